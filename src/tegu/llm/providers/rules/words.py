"""Words: folding, splitting and stemming, the same for field names, labels, descriptions and texts.

Called by every file of the rules provider that compares words. Invariant: linear in the length of the text.
"""

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]{1,4}\b)?|#|n[°º]|№")


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as one string."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    "a about all am an and any are as asks at be been but by can could did do does doing for from had "
    "has have he her hi his how i if in into is it its just me my no not of off on or our out she "
    "should so some such than that the their them then there these they this those to too up us want "
    "wants was we were what when where which who why will with would you your yours i'm i've don't it's "
    "hello dear thanks thank please regards best"
)
_SUFFIX_LIST = "ations ation ings ing ments ment ies ied ers er ed es ly s e y"
_SUFFIXES = tuple(_SUFFIX_LIST.split())


def fold(text: str) -> str:
    """Lower case, without accents; may change the length."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).lower()


def words(text: str) -> list[str]:
    """The folded words of a text or of a name in snake_case, kebab-case or camelCase."""
    return [match.replace("\u2019", "'") for match in _WORD.findall(fold(_CAMEL.sub(" ", text)))]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A crude English stem: enough to make `refunded`, `refunds` and `refund` meet."""
    for suffix in _SUFFIXES:
        if len(word) - len(suffix) >= 3 and word.endswith(suffix) and not word.endswith("ss"):
            root = word[: -len(suffix)]
            return root[:-1] if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "ls" else root
    return word


def stems(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS and len(word) > 1]
