"""Sentences of a text, and what they do: ask, request, greet.

Called by the summary and the lists. Invariant: a sentence is a literal stretch of the text that crosses no empty line.
"""

import re
from bisect import bisect_left

from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.reading import Kind, Span, span

_END = re.compile(r"[.!?…]{1,3}[\"'\u201d\u2019)\]]{0,2}(?=\s)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|Inc|Ltd|Co|Corp|approx|ca|fig|p|pp|[A-Z])\.\Z"
)
_ITEM = re.compile(r"^[ \t]{0,12}(?:[-*•\u2013]|\d{1,2}[.)])[ \t]")
_SKIPPED = re.compile(
    r"^[ \t]{0,8}(?:>|--[ ]?$|_{3,}|-{3,}|={3,}|On .{5,120} wrote:[ \t]*$|Sent from my |From:|To:|Cc:|Date:|Sent:|Subject:|Attachments:|"
    r"Reply-To:)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|(?:(?:kind|best|warm|many) )?(?:regards|wishes|thanks)|cheers|sincerely|"
    r"yours|thank you|thanks)\b[^.?!]{0,40}[,.!]?\Z",
    re.IGNORECASE,
)
REQUEST = re.compile(
    r"\b(?:please|could you|can you|would you|will you|can we|could we|shall we|should we|let me know|let us know|i need|we need|i'd like|"
    r"i would like|we would like|need you to|want you to|you should|you need to|make sure|kindly|asap|as soon as possible|"
    r"give me a call|call me|send (?:me|us|it|them)|get back to|follow up|have to|must|remind|schedule|review)\b",
    re.IGNORECASE,
)
PROMISE = re.compile(
    r"\b(?:next steps?|(?:i|we|he|she|they) will|(?:i|we|they)'ll|going to|by (?:mon|tues|wednes|thurs|fri|satur|sun)day|by tomorrow|"
    r"by the end of|deadline|is scheduled|plan to)\b",
    re.IGNORECASE,
)
# Each of these asks by itself; what `_POINTS_AWAY` sees is addressed to nobody in particular.
_ASKS = re.compile(
    r"\b(?:please|pls|plz|kindly|let[\u2019']?s|let us|(?:could|can|would|will) (?:you|u|we|i|someone)|(?:should|shall) (?:i|we)|"
    r"let (?:me|us) know|get back to|(?:give|send|call|remind|tell) (?:me|us|him|her|them)|need(?:s)? (?:you )?to (?:talk|discuss|meet|decide)|"
    r"need you to|want you to|you (?:should|need to|have to|must)|(?:would|it'd) be (?:great|good|nice|helpful) if|make sure|asap)\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\W{0,4}(?:[\w.-]{1,20}(?: \w{1,20})?\s{0,3}(?:,|--|:|-)\s{0,3})?(?:call|send|forward|add|change|check|make|get|give|take|tell|ask|"
    r"keep|print|put|review|remind|set|try|remember|fax|email|mail|respond|reply|include|confirm|provide|don't|do not)\b",
    re.IGNORECASE,
)
_POINTS_AWAY = re.compile(
    r"\b(?:please|to) (?:see|visit|refer|follow|click|copy|view|read)\b|\bfor (?:more|further) (?:information|details)\b|"
    r"\bif you (?:have|experience|need|would|do not|don't|'d)\b|\bclick (?:here|below)\b|https?:|www\.|:\s{0,3}\Z",
    re.IGNORECASE,
)
_MEETS = re.compile(r"\b(?:meet|meeting|call|talk|discuss|lunch|see you)\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|today|tonight|next week|this week)\b|\d ?[ap]\.?m\b",
    re.IGNORECASE,
)
_SENTENCES_MAX = 5_000
_SENTENCE_CHARS_MAX = 600


def find_sentences(found: Found, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences in [start, end), without greetings, headers and quoted lines. At most 5,000."""
    sentences: list[Span] = []
    for block_start, block_end in _blocks(found, start, len(found.text) if end is None else end):
        at = block_start
        for match in _END.finditer(found.text, block_start, block_end):
            if match[0] == "." and _ABBREVIATION.search(
                found.text[max(block_start, match.end() - 8) : match.end()]
            ):
                continue
            _add(sentences, found, at, match.end())
            at = match.end()
        _add(sentences, found, at, block_end)
        if len(sentences) >= _SENTENCES_MAX:
            break
    return sentences[:_SENTENCES_MAX]


def _blocks(found: Found, start: int, end: int) -> list[tuple[int, int]]:
    """Paragraphs and list items: runs of lines that read on."""
    blocks: list[tuple[int, int]] = []
    first: int | None = None
    last = start
    lines = found.reading.lines
    from_line = bisect_left(lines, start, key=lambda line: line.end)
    to_line = bisect_left(lines, end, key=lambda line: line.start)
    for line in lines[from_line:to_line]:
        breaks = line.is_blank or _SKIPPED.match(line.text) is not None
        if first is not None and (breaks or _ITEM.match(line.text)):
            blocks.append((first, last))
            first = None
        if not breaks:
            item = _ITEM.match(line.text)
            first = line.start + (item.end() if item else 0) if first is None else first
            last = min(line.end, end)
    if first is not None:
        blocks.append((first, last))
    return blocks


def _add(sentences: list[Span], found: Found, start: int, end: int) -> None:
    there = span(Kind.TEXT, found.text, start, end)
    if (
        not there.text
        or len(there.text) > _SENTENCE_CHARS_MAX
        or not any(char.isalpha() for char in there.text)
    ):
        return
    if _GREETING.match(there.text) or not found.reading.quotable(there):
        return
    shown = " ".join(there.text.split())
    sentences.append(Span(Kind.TEXT, there.start, there.end, there.text, shown))


def is_question(sentence: Span) -> bool:
    """Whether the sentence asks."""
    return sentence.text.rstrip("\"')] ").endswith("?")


def is_request(sentence: Span) -> bool:
    """Whether the sentence wants someone to do something."""
    return REQUEST.search(sentence.text) is not None


def asking(sentence: Span) -> float:
    """How clearly the sentence wants something of its reader, from 0 to 1."""
    text = sentence.text
    if _POINTS_AWAY.search(text):
        return 0.1
    if _ASKS.search(text) or _ORDERS.match(text):
        return 1.0
    if is_question(sentence):
        return 0.8
    has_time = _WHEN.search(text) is not None
    if has_time and _MEETS.search(text):
        return 0.6
    return 0.5 if has_time else 0.0


def is_promise(sentence: Span) -> bool:
    """Whether the sentence says what will be done."""
    return PROMISE.search(sentence.text) is not None
