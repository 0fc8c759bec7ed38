"""What speaks for a label: the words of its name and its description, and those that mean nearly the same.

Called by the labels. Invariant: a word counts once, however many of the words like it a text has.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tegu.llm.providers.rules.intents import SYNONYMS
from tegu.llm.providers.rules.synonyms import ALIKE
from tegu.llm.providers.rules.words import STOP_WORDS, stem, word_set, words

_WORDS_MAX = 20_000
_NAME_WEIGHT, _ALIKE_WEIGHT = 1.4, 0.5
_ALIKE_MORE, _ALIKE_MAX = 0.15, 0.8
_NEGATIONS = word_set(
    "not no never cannot without isnt wasnt dont doesnt didnt havent hasnt wont cant couldnt"
)
_NEGATED_WORDS = 2


@dataclass(frozen=True, slots=True)
class Term:
    """A word that speaks for a label, and the words that say nearly the same."""

    word: str
    alike: tuple[str, ...]
    weight: float
    is_name: bool

    def said(self, counts: Mapping[str, int]) -> float:
        """How clearly a text says it, from 0 to 2: its own word counts more than one that is like it."""
        own = counts.get(self.word, 0)
        if own:
            return min(2.0, 1 + math.log(own))
        like = sum(counts.get(word, 0) > 0 for word in self.alike)
        return min(_ALIKE_MAX, _ALIKE_WEIGHT + _ALIKE_MORE * (like - 1)) if like else 0.0


def terms_of(label: str, description: str) -> list[Term]:
    """The words of a label's name and of its description."""
    named, described = list(said_in(label)), list(said_in(_positive(description)))
    terms = [_term(word, _NAME_WEIGHT, is_name=True) for word in named]
    return terms + [_term(word, 1.0, is_name=False) for word in described if word not in named]


def _term(word: str, weight: float, *, is_name: bool) -> Term:
    alike = (*SYNONYMS.get(word, ()), *ALIKE.get(word, ()))
    return Term(word, tuple(dict.fromkeys(alike)), weight, is_name)


def _positive(description: str) -> str:
    """A description without what it says the label is not."""
    return re.sub(r"\b(?:not|except|unless|other than|rather than)\b[^.;,]{0,200}", " ", description)


def said_in(text: str) -> Counter[str]:
    """How often each stem is said; a stem that a negation stands before also as `not:stem`."""
    counts: Counter[str] = Counter()
    negated = 0
    for word in words(text[: _WORDS_MAX * 6])[:_WORDS_MAX]:
        negates = word in _NEGATIONS or word.endswith("n't")
        if negates:
            negated = _NEGATED_WORDS
        if word in STOP_WORDS or len(word) < 2:
            continue
        root = stem(word)
        counts[root] += 1
        if negated and not negates:
            counts[f"not:{root}"] += 1
            negated -= 1
    return counts
