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
from tegu.llm.providers.rules.intents import SYNONYMS
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.sentences import find_sentences, is_question, is_request
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
_WORDS_MAX = 20_000
_MARGIN_MIN = 0.08


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
    counts = Counter(stems(found.text[: _WORDS_MAX * 6])[:_WORDS_MAX])
    scores = _scores(found, counts, labels, fallback)
    order = sorted(scores, key=lambda label: -scores[label])
    best = order[0]
    second = scores[order[1]] if len(order) > 1 else 0.0
    share = (scores[best] - second) / scores[best] if scores[best] else 0.0
    if scores[best] < 0.15 or (len(order) > 1 and share < _MARGIN_MIN):
        guess = fallback if fallback is not None else best
        return Ranking(guess, 0.3 if fallback is not None else 0.15, abstained=True)
    # By the share of right answers on labelled samples; a label with no rival but the catch-all proves less.
    rivals = len(scores) - (fallback is not None)
    confidence = min(0.9 if rivals > 1 else 0.7, 0.2 + 0.5 * share + 0.2 * min(1.0, scores[best]))
    return Ranking(best, round(confidence, 2), abstained=False, evidence=_evidence(found, best, labels[best]))


def _profile(label: str, description: str) -> dict[str, float]:
    """The stems that speak for a label: its name, its description, and synonyms of both."""
    profile: dict[str, float] = {}
    name = stems(label)
    for word in name:
        for synonym in SYNONYMS.get(word, ()):
            profile[synonym] = max(profile.get(synonym, 0.0), 0.9)
    for word in stems(_positive(description)):
        profile[word] = max(profile.get(word, 0.0), 1.0)
        for synonym in SYNONYMS.get(word, ()):
            profile[synonym] = max(profile.get(synonym, 0.0), 0.5)
    for word in name:
        profile[word] = 1.4
    return profile


def _positive(description: str) -> str:
    """A description without what it says the label is not."""
    return re.sub(r"\b(?:not|except|unless|other than|rather than)\b[^.;,]{0,200}", " ", description)


def _scores(
    found: Found, counts: Counter[str], labels: Mapping[str, str], fallback: str | None
) -> dict[str, float]:
    profiles = {label: _profile(label, text) for label, text in labels.items() if label != fallback}
    spread = Counter(word for profile in profiles.values() for word in profile)
    rarity = {word: math.log(1 + len(profiles) / n) for word, n in spread.items()}
    scores: dict[str, float] = {}
    asking: float | None = None
    for label, profile in profiles.items():
        said = {word: weight * rarity[word] for word, weight in profile.items()}
        hit = sum(
            weight * min(2.0, 1 + math.log(counts[word])) for word, weight in said.items() if counts[word]
        )
        own = [word for word in stems(label) if word in said]
        missing = sum(said[word] for word in own if not counts[word])
        norm = math.sqrt(sum(weight * weight for weight in said.values())) or 1.0
        scores[label] = max(0.0, hit - 0.35 * missing) / norm
        if own and set(own) <= _ASKING:
            asking = _asking(found) if asking is None else asking
            scores[label] += asking
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
    profile = _profile(label, description)
    best: tuple[float, Span] | None = None
    for sentence in find_sentences(found)[:400]:
        score = sum(profile.get(word, 0.0) for word in set(stems(sentence.text)))
        if _ASKING & set(profile) and (is_request(sentence) or is_question(sentence)):
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
