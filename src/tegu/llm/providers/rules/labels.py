"""Labels ranked by what they and their descriptions have in common with a text.

Called by the provider for classification and by the schema walk for enums. Invariant: the order of equal labels is the
caller's; a label wins only by words that are in the text.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.sentences import asking, find_sentences, is_question, is_request
from tegu.llm.providers.rules.terms import Term, said_in, terms_of
from tegu.llm.providers.rules.words import STOP_WORDS, stem, stems, word_set, words

_CATCH_ALL = word_set(
    "general other others misc miscellaneous none unknown else rest default neutral normal regular uncategorized unclassified "
    "unsure various"
)
_CATCH_ALL_PHRASES = re.compile(
    r"\b(?:anything else|everything else|none of|any other|all other|catch[- ]all|not? (?:specific|applicable)|the rest)\b",
    re.IGNORECASE,
)
_ASKING = frozenset(map(stem, word_set("action request todo task question inquiry ask need")))
_SCORE_MIN = 0.15
_SHARE_CLEAR = 0.35
_SURE_LEAST, _SURE_GAIN = 0.15, 0.7
SURE_MIN = 0.45
"""Below this the provider says that it abstains; what it names then is a guess."""
_UNSURE = 0.3
"""How sure it is of a catch-all that it falls back on."""
_MISSING = 0.2
_NORM = 0.25
_ACT_MIN = 0.5
_ACT_BASE, _ACT_GAIN = 0.45, 0.4
_NO_ACT = 0.75


@dataclass(frozen=True, slots=True)
class Ranking:
    """The label chosen, how sure, and the words it was chosen for. `abstained`: nothing stood out."""

    label: str
    confidence: float
    abstained: bool
    evidence: Span | None = None


def is_catch_all(label: str, description: str) -> bool:
    """Whether the label reads as the one for what fits no other."""
    said = words(label)
    negated = bool(said) and said[0] in {"no", "non", "not"} and len(said) > 1
    return negated or bool(set(said) & _CATCH_ALL) or _CATCH_ALL_PHRASES.search(description) is not None


def rank(found: Found, labels: Mapping[str, str]) -> Ranking | None:
    """The label for a text; None where there are no labels."""
    if not labels:
        return None
    fallback = next((label for label, text in labels.items() if is_catch_all(label, text)), None)
    if fallback is not None and len(labels) == 2:
        (only,) = (label for label in labels if label != fallback)
        if _is_asking(only):
            return _rank_act(found, only, fallback)
    counts = said_in(_without_addresses(found))
    scores = _scores(found, counts, labels, fallback)
    order = sorted(scores, key=lambda label: -scores[label])
    best = order[0]
    second = scores[order[1]] if len(order) > 1 else 0.0
    share = (scores[best] - second) / scores[best] if scores[best] else 0.0
    sure = _sure(share, _coverage(terms_of(best, labels[best]), counts, is_asking=_is_asking(best)))
    if scores[best] < _SCORE_MIN or sure < SURE_MIN:
        guess = fallback if fallback is not None else best
        return Ranking(guess, _UNSURE if fallback is not None else sure, abstained=True)
    # A label with no rival but the catch-all proves less.
    rivals = len(scores) - (fallback is not None)
    confidence = min(sure, 0.9 if rivals > 1 else 0.7)
    return Ranking(best, confidence, abstained=False, evidence=_evidence(found, best, labels[best]))


def _without_addresses(found: Found) -> str:
    """The text without its e-mail and web addresses, which name companies and mailboxes, not what is wanted."""
    kept: list[str] = []
    at = 0
    for there in sorted([*found.emails, *found.urls], key=lambda item: item.start):
        kept.append(found.text[at : there.start])
        at = max(at, there.end)
    return " ".join([*kept, found.text[at:]])


def _sure(share: float, coverage: float) -> float:
    """How often such an answer was right on labelled samples, by its lead and by how much of the label is said."""
    return round(_SURE_LEAST + _SURE_GAIN * min(1.0, share / _SHARE_CLEAR) * coverage, 2)


def _coverage(terms: list[Term], counts: Mapping[str, int], *, is_asking: bool) -> float:
    """How much of a label's name is said, from 0 to 1; words of its description count half."""
    named = [min(1.0, term.said(counts)) for term in terms if term.is_name]
    described = sum(min(1.0, term.said(counts)) for term in terms if not term.is_name)
    of_name = sum(named) / len(named) if named else 0.0
    return 1.0 if is_asking else min(1.0, of_name + 0.5 * min(1.0, described / 2))


def _is_asking(label: str) -> bool:
    own = stems(label)
    return bool(own) and set(own) <= _ASKING


def _rank_act(found: Found, label: str, fallback: str) -> Ranking:
    """Whether anything is asked for: a question of what sentences do, not of the words that they share."""
    sentences = find_sentences(found)[:200]
    best = max(sentences, key=asking, default=None)
    strength = asking(best) if best is not None else 0.0
    if best is None or strength < _ACT_MIN:
        return Ranking(fallback, _NO_ACT if sentences else _UNSURE, abstained=not sentences)
    return Ranking(label, round(_ACT_BASE + _ACT_GAIN * strength, 2), abstained=False, evidence=best)


def _scores(
    found: Found, counts: Counter[str], labels: Mapping[str, str], fallback: str | None
) -> dict[str, float]:
    """What of each label is said, where a word counts by how few of the labels it speaks for."""
    terms = {label: terms_of(label, text) for label, text in labels.items() if label != fallback}
    spread = Counter(
        word for own in terms.values() for word in {name for term in own for name in (term.word, *term.alike)}
    )
    scores: dict[str, float] = {}
    asking_share: float | None = None
    for label, own in terms.items():
        hit = missing = total = 0.0
        for term in own:
            weight = term.weight * math.log(1 + len(terms) / spread[term.word])
            said = term.said(counts)
            hit += weight * said
            missing += weight if term.is_name and not said else 0.0
            total += weight * weight
        scores[label] = max(0.0, hit - _MISSING * missing) / (total**_NORM or 1.0)
        if _is_asking(label):
            asking_share = _asking(found) if asking_share is None else asking_share
            scores[label] += asking_share
    if fallback is not None:
        scores[fallback] = 0.0
    return scores


def _asking(found: Found) -> float:
    """How much of the text asks for something."""
    sentences = find_sentences(found)[:200]
    asked = sum(is_request(sentence) or is_question(sentence) for sentence in sentences)
    return min(1.0, 2 * asked / len(sentences)) if sentences else 0.0


def _evidence(found: Found, label: str, description: str) -> Span | None:
    """The sentence that has most of the label's words."""
    terms = terms_of(label, description)
    best: tuple[float, Span] | None = None
    for sentence in find_sentences(found)[:400]:
        counts = said_in(sentence.text)
        score = sum(term.weight * min(1.0, term.said(counts)) for term in terms)
        if _ASKING & {term.word for term in terms} and (is_request(sentence) or is_question(sentence)):
            score += 1.0
        if score > 0 and (best is None or score > best[0]):
            best = (score, sentence)
    return best[1] if best else None


def phrase(found: Found, name: str) -> Span | None:
    """Where the words of a name stand together in the text, in order."""
    parts = [re.escape(word) for word in words(name) if word not in STOP_WORDS]
    if not parts or len(parts) > 6:
        return None
    match = re.search(r"\b" + r"\w{0,4}[\s_-]{1,3}".join(parts), found.text, re.IGNORECASE)
    return span(Kind.TEXT, found.text, match.start(), match.end()) if match else None
