"""Words of everyday English that mean nearly the same, as groups of stems.

Called by the labels. Invariant: the groups are general: none is about the labels or the texts of one data set.
"""

from collections.abc import Iterable
from typing import Final

from tegu.llm.providers.rules.words import stem

_GROUPS: Final = (
    "arrive arrived arrival receive received get got come came deliver delivered delivery",
    "lose lost loss missing misplaced disappeared vanished",
    "steal stole stolen theft robbed taken thief",
    "fee charge charged cost price",
    "decline declined reject rejected refuse refused deny denied",
    "fail failed failing failure unsuccessful not:work not:go not:complete not:accept",
    "broken not:work defect defective damaged malfunction crash",
    "pending waiting wait processing yet not:complete not:show",
    "block blocked lock locked",
    "forget forgot forgotten not:remember reset",
    "limit limits maximum max minimum many most",
    "wrong incorrect mistake mistaken error not:correct not:right less",
    "twice double duplicate two",
    "change changed edit update modify",
    "cancel cancelled canceled stop revoke undo",
    "close delete terminate remove deactivate",
    "verify verified verification confirm prove proof check identification",
    "identity identification id",
    "recognise recognize recognised recognized not:make not:know strange unknown unfamiliar",
    "revert reverted reversed returned cancelled canceled",
    "automatic automatically auto",
    "expire expired expiry expiration",
    "spare additional extra second another",
    "country countries abroad foreign international overseas",
    "age old young child children kid",
    "personal name address phone",
    "buy bought purchase purchased",
    "pay paid payment",
    "money fund funds cash",
    "send sent transfer",
    "transfer transaction",
    "withdraw withdrew withdrawal withdrawn",
    "estimate long when time day soon",
    "timing long time when day soon",
    "support accept accepted available allow use",
    "acceptance accept accepted use",
    "physical real actual",
    "temporary one-time disposable",
    "compromised hacked fraud unauthorized someone",
    "password passcode code",
    "currency currencies dollar euro pound",
    "trouble problem issue unable cannot can't difficulty",
    "unable cannot can't not:able trouble",
    "start activate enable begin",
    "statement bill account",
    "help assist support",
    "refund reimburse reimbursement",
    "meeting meet appointment call",
    "job work position vacancy",
    "quick fast urgent soon immediately",
)


def _by_stem(groups: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for group in groups:
        stemmed = [_stem(word) for word in group.split()]
        for word in stemmed:
            found.setdefault(word, []).extend(other for other in stemmed if other != word)
    return {word: tuple(dict.fromkeys(others)) for word, others in found.items()}


def _stem(word: str) -> str:
    head, _, tail = word.rpartition(":")
    return f"{head}:{stem(tail)}" if head else stem(word)


ALIKE: Final = _by_stem(_GROUPS)
"""For a stem the stems that mean nearly the same. `not:work` is `work` that a negation stands before."""
