"""Extractive summaries: the sentences that say most, verbatim and in their order.

Called by the provider and the schema walk. Invariant: every sentence is a stretch of the text; nothing is written anew,
but for the capital that a sentence has lost to the greeting before it.
"""

import re
from collections import Counter
from collections.abc import Iterable

from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.mail import Message
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.sentences import find_sentences, is_promise, is_question, is_request
from tegu.llm.providers.rules.words import stems

_COUNT = re.compile(
    r"\b(one|two|three|four|five|[1-9])(?:[ -](?:short|concise|brief|or \w+))?[ -]sentences?\b", re.IGNORECASE
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_SENTENCES_WANTED = 3
_RANKED_MAX = 400
_GOOD_WORDS = range(6, 36)


def wanted_sentences(instructions: str) -> int:
    """How many sentences the instructions ask for; three where they do not say."""
    match = _COUNT.search(instructions[:4_000])
    if match is None:
        return _SENTENCES_WANTED
    said = match[1].lower()
    return _NUMBERS.get(said) or int(said)


def _all(found: Found) -> list[tuple[int, int, Span]]:
    """Every sentence with the index of its message and its place in that message."""
    if not found.messages:
        return [(0, place, sentence) for place, sentence in enumerate(find_sentences(found)[:_RANKED_MAX])]
    return [
        (index, place, sentence)
        for index, message in enumerate(found.messages)
        for place, sentence in enumerate(find_sentences(found, message.body_start, message.body_end))
    ][-_RANKED_MAX:]


def _stand_ins(found: Found) -> list[Span]:
    """What stands for the sentences of a thread that has none: its subject, a line of a body, names of attachments."""
    subjects = [message.headers.get("subject") for message in found.messages]
    lines = [_first_line(found, message) for message in found.messages]
    attachments = [message.headers.get("attachments") for message in found.messages]
    offered = [item for item in (*subjects, *lines, *attachments) if item is not None]
    return [item for item in offered if found.reading.quotable(item)][:1]


def _first_line(found: Found, message: Message) -> Span:
    body = span(Kind.TEXT, found.text, message.body_start, message.body_end)
    return span(Kind.TEXT, found.text, body.start, body.start + len(body.text.split("\n", 1)[0]))


def told(sentences: Iterable[Span]) -> str:
    """The sentences as one text. After `Dear Ann,` a sentence begins small, and alone it must not."""
    return " ".join(_opened(str(sentence.value)) for sentence in sentences)


def _opened(sentence: str) -> str:
    first = sentence.split(" ", 1)[0].rstrip(",;:")
    capital = sentence[:1].upper()
    # Not `iPhone`, `e.g.` or `x@y.z`, and not what would become longer, as `ß` would.
    return capital + sentence[1:] if first.isalpha() and first.islower() and len(capital) == 1 else sentence


def _score(index: int, place: int, sentence: Span, weights: dict[str, float], last: int) -> float:
    """Overlap with the text as a whole, then the place, the length and what the sentence does."""
    said = stems(sentence.text)
    if len(said) < 2:
        return 0.0
    overlap = sum(weights.get(word, 0.0) for word in set(said)) / (len(set(said)) + 3)
    score = overlap + (0.5 if place == 0 else 0.25 if place == 1 else 0.0)
    if last > 0:
        score += 0.5 if index == last else 0.35 if index == 0 else 0.0
    if is_request(sentence):
        score += 0.3
    if is_promise(sentence) or any(char.isdigit() for char in sentence.text):
        score += 0.1
    return score if len(sentence.text.split()) in _GOOD_WORDS else score * 0.6


def summarize(found: Found, count: int = _SENTENCES_WANTED, chars_max: int | None = None) -> list[Span]:
    """The best sentences in the order of the text; of a thread, the newest message is always heard.

    No more than `count`, and together no longer than `chars_max`. Where the text has no sentence, the subject of the mail;
    empty where there is none either.
    """
    sentences = _all(found) or [(0, 0, item) for item in _stand_ins(found)]
    counts = Counter(word for _, _, sentence in sentences for word in set(stems(sentence.text)))
    top = max(counts.values(), default=1)
    weights = {word: n / top for word, n in counts.items() if n > 1}
    last = len(found.messages) - 1
    ranked = sorted(
        (
            (_score(index, place, sentence, weights, last), number)
            for number, (index, place, sentence) in enumerate(sentences)
        ),
        key=lambda pair: (-pair[0], pair[1]),
    )
    chosen: list[int] = []
    chars = 0
    for _, number in ranked:
        sentence = sentences[number][2]
        length = len(str(sentence.value)) + (1 if chosen else 0)
        if any(_alike(sentence, sentences[other][2]) for other in chosen):
            continue
        if chars_max is None or chars + length <= chars_max:
            chosen.append(number)
            chars += length
        if len(chosen) >= count:
            break
    return [sentences[number][2] for number in sorted(chosen)]


def _alike(one: Span, other: Span) -> bool:
    """Whether two sentences say nearly the same words."""
    a, b = set(stems(one.text)), set(stems(other.text))
    return bool(a and b) and len(a & b) >= 0.7 * min(len(a), len(b))


def requests(found: Found) -> list[Span]:
    """Sentences that want something done, newest message first."""
    return [sentence for _, _, sentence in _newest_first(found) if is_request(sentence)]


def questions(found: Found) -> list[Span]:
    """Sentences that ask, newest message first."""
    return [sentence for _, _, sentence in _newest_first(found) if is_question(sentence)]


def next_steps(found: Found) -> list[Span]:
    """What is asked for or promised last, newest message first."""
    return [
        sentence for _, _, sentence in _newest_first(found) if is_request(sentence) or is_promise(sentence)
    ]


def _newest_first(found: Found) -> list[tuple[int, int, Span]]:
    return sorted(_all(found), key=lambda item: (-item[0], item[1]))
