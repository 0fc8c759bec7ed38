"""Everything that is found in a text, each kind looked for once and only when asked.

Called by the schema walk, the labels and the summary. Invariant: spans that say the same stretch is two things are
settled here (a date is no number, an account number is no telephone number).
"""

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Final

from tegu.llm.providers.rules import amounts, contacts, dates, layout, mail, names, parties, places, sums
from tegu.llm.providers.rules.reading import Kind, Reading, Span


def _positions(*groups: list[Span]) -> set[int]:
    return {position for group in groups for item in group for position in range(item.start, item.end)}


def _free(spans: list[Span], taken: set[int]) -> list[Span]:
    return [item for item in spans if item.start not in taken and item.end - 1 not in taken]


class Found:
    """What is in one text. Immutable; each property is computed once."""

    def __init__(self, text: str, start: int = 0) -> None:
        self.reading = Reading(text)
        self.start = start
        """Where this text begins in the text of the request: spans count from here, quotes from there."""
        self._by_kind: dict[Kind, list[Span]] = {}

    def within(self, start: int, end: int) -> "Found":
        """What is in the stretch [start, end) alone."""
        return Found(self.text[start:end], self.start + start)

    @property
    def text(self) -> str:
        """The text, with a line break in place of what cannot be stored."""
        return self.reading.clean

    @cached_property
    def emails(self) -> list[Span]:
        """E-mail addresses."""
        return contacts.find_emails(self.text)

    @cached_property
    def urls(self) -> list[Span]:
        """Web addresses."""
        return contacts.find_urls(self.text)

    @cached_property
    def dates(self) -> list[Span]:
        """Dates and times of day with a date."""
        return _free(dates.find_dates(self.text), _positions(self.urls))

    @cached_property
    def ids(self) -> list[Span]:
        """Identifiers."""
        taken = _positions(self.urls, self.emails, self.dates)
        return _free(contacts.find_ids(self.text), taken)

    @cached_property
    def phones(self) -> list[Span]:
        """Telephone numbers."""
        taken = _positions(self.urls, self.emails, self.dates, self.ids)
        return _free(contacts.find_phones(self.text), taken)

    @cached_property
    def amounts(self) -> list[Span]:
        """Money, percentages and numbers that are part of nothing else."""
        taken = _positions(self.urls, self.emails, self.dates, self.ids, self.phones)
        found = amounts.find_amounts(self.text)
        money = [item for item in found if item.kind is Kind.MONEY]
        return sorted(
            [
                *money,
                *_free([item for item in found if item.kind is not Kind.MONEY], taken | _positions(money)),
            ],
            key=lambda item: item.start,
        )

    @cached_property
    def sums(self) -> list[sums.Sum]:
        """The sums in the last lines of tables, each with the head of its column."""
        figures = [item for item in self.amounts if item.kind is not Kind.PERCENT]
        return sums.find_sums(self.reading.lines, figures)

    @cached_property
    def bank_codes(self) -> list[Span]:
        """What has the shape of a bank's code (BIC)."""
        return contacts.find_bank_codes(self.text)

    @cached_property
    def currencies(self) -> list[Span]:
        """Currency codes and symbols."""
        return amounts.find_currencies(self.text)

    @cached_property
    def currency(self) -> Span | None:
        """The currency that most amounts of the text have; else the only one that is named."""
        units = Counter(item.unit for item in self.amounts if item.kind is Kind.MONEY)
        if units:
            unit = units.most_common(1)[0][0]
        else:
            named = {str(item.value) for item in self.currencies}
            unit = next(iter(named)) if len(named) == 1 else None
        return next((item for item in self.currencies if item.value == unit), None)

    @cached_property
    def messages(self) -> tuple[mail.Message, ...]:
        """The messages of a mail thread, oldest first."""
        return mail.find_messages(self.reading.lines)

    @cached_property
    def pairs(self) -> list[layout.Pair]:
        """Labels with their values; the headers of mails are none."""
        headers = [header for message in self.messages for header in message.headers.values()]
        starts = {header.start for header in headers}
        return [pair for pair in layout.find_pairs(self.reading.lines) if pair.value.start not in starts]

    @cached_property
    def parties(self) -> list[parties.Block]:
        """The parts of the text that are about the seller and about the buyer."""
        return parties.find_blocks(self.reading.lines)

    @cached_property
    def organizations(self) -> list[Span]:
        """Organizations."""
        return names.find_organizations(self.text)

    @cached_property
    def places(self) -> list[Span]:
        """Places that are not part of a name."""
        taken = _positions(self.urls, self.emails, self.organizations, self.people)
        return _free(places.find_places(self.text), taken)

    @cached_property
    def people(self) -> list[Span]:
        """People."""
        taken = _positions(self.urls, self.emails)
        return _free(names.find_people(self.reading.lines, self.messages, self.organizations), taken)

    def of_kind(self, kind: Kind) -> list[Span]:
        """The spans of a kind, in order; none for kinds that are not spans."""
        if kind not in self._by_kind:
            self._by_kind[kind] = self._of_kind(kind)
        return self._by_kind[kind]

    def _of_kind(self, kind: Kind) -> list[Span]:
        match kind:
            case Kind.MONEY | Kind.PERCENT | Kind.NUMBER:
                return [item for item in self.amounts if item.kind is kind]
            case Kind.DATE | Kind.DATE_TIME:
                return [item for item in self.dates if item.kind is kind]
            case Kind.NAME:
                return sorted([*self.people, *self.organizations], key=lambda item: item.start)
            case _:
                finder = _FINDERS.get(kind)
                return finder(self) if finder is not None else []


_FINDERS: Final[dict[Kind, Callable[[Found], list[Span]]]] = {
    Kind.EMAIL: lambda found: found.emails,
    Kind.URL: lambda found: found.urls,
    Kind.PHONE: lambda found: found.phones,
    Kind.ID: lambda found: found.ids,
    Kind.CURRENCY: lambda found: found.currencies,
    Kind.PERSON: lambda found: found.people,
    Kind.LOCATION: lambda found: found.places,
    Kind.ORGANIZATION: lambda found: found.organizations,
}
