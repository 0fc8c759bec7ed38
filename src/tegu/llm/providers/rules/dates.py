"""Dates in a text, as ISO dates.

Called by `found`. Invariants: a date without its year has no value; the reading never depends on today; dateparser is
asked only for short candidates whose month's name is not known here, and never to search.
"""

import re
from datetime import date, datetime
from functools import lru_cache

from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.words import fold

_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january jan januar jänner janvier janv januari enero ene gennaio gen janeiro",
            "february feb februar février fevrier févr fev februari febrero febbraio fevereiro",
            "march mar märz maerz mrz mars maart mrt marzo março marco",
            "april apr avril avr abril abr aprile",
            "may mai mei mayo maggio maio",
            "june jun juni juin junio giugno junho",
            "july jul juli juillet juil julio luglio julho",
            "august aug août aout augustus agosto ago",
            "september sep sept septembre septiembre settembre setembro",
            "october oct oktober okt octobre octubre ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in map(fold, names.split())
}
_MONTH = r"([^\W\d_]{3,12})\.?"
_ISO = re.compile(
    r"(?<![\w-])(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?![\d-])"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?[ ]?(Z|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC = re.compile(r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-]|\.\d)")
_DAY_FIRST = re.compile(
    rf"(?<![\w.,/-])(\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[ ](?:of |de )?{_MONTH}(?:,? (?:de )?(\d{{4}})(?!\d))?",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"(?<![^\W\d_]){_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\w)(?:,? (\d{{4}})(?!\d))?", re.IGNORECASE
)
_UNKNOWN_MONTHS_MAX = 8
# Asked of dateparser. Without this list it loads its 200 languages, which takes three seconds.
_LANGUAGES = ("ru", "pl", "cs", "sv", "da", "fi", "tr", "nb", "hu", "ro", "uk", "el", "bg", "hr", "sk", "ca")


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _month_is_first(text: str) -> bool:
    """Whether `3/4/2026` is March 4: by the other dates of the text, else by its currency."""
    day_first = month_first = 0
    for match in _NUMERIC.finditer(text):
        day_first += int(match[1]) > 12
        month_first += int(match[3]) > 12 and match[2] == "/"
    if day_first or month_first:
        return month_first > day_first
    return "$" in text or "USD" in text


def _numeric(text: str) -> list[Span]:
    month_first = _month_is_first(text)
    found: list[Span] = []
    for match in _NUMERIC.finditer(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        if year < 100:
            year += 2000 if year < 70 else 1900
        swap = month_first and match[2] == "/"
        value = _iso(year, first, second) if swap else _iso(year, second, first)
        value = value or _iso(year, first, second)
        if value is not None:
            found.append(span(Kind.DATE, text, match.start(), match.end(), value))
    return found


def _timed(match: re.Match[str]) -> str | None:
    if match[4] is None:
        return None
    zone = {"Z": "+00:00", None: ""}.get(match[7], match[7])
    hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
    try:
        moment = datetime.fromisoformat(
            f"{int(match[1]):04}-{int(match[2]):02}-{int(match[3]):02}T{hour:02}:{minute:02}:{second:02}{zone}"
        )
    except ValueError:
        return None
    return moment.isoformat()


def _iso_dates(text: str) -> list[Span]:
    found: list[Span] = []
    for match in _ISO.finditer(text):
        value = _iso(int(match[1]), int(match[2]), int(match[3]))
        if value is None:
            continue
        found.append(span(Kind.DATE, text, match.start(), match.end(3), value))
        timed = _timed(match)
        if timed is not None:
            found.append(span(Kind.DATE_TIME, text, match.start(), match.end(), timed))
    return found


def _spelled(text: str) -> list[Span]:
    found: list[Span] = []
    asked = 0
    for pattern, day_group, month_group in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        for match in pattern.finditer(text):
            month, day, year = _MONTHS.get(fold(match[month_group])), int(match[day_group]), match[3]
            if month is None:
                if year is None or pattern is _MONTH_FIRST or asked >= _UNKNOWN_MONTHS_MAX:
                    continue
                asked += 1
                value = _parsed(match[0])
                if value is not None:
                    found.append(span(Kind.DATE, text, match.start(), match.end(), value))
            elif 1 <= day <= 31:
                value = _iso(int(year), month, day) if year else None
                if value is not None or not year:
                    there = span(Kind.DATE, text, match.start(), match.end())
                    found.append(Span(Kind.DATE, there.start, there.end, there.text.rstrip("."), value))
    return found


@lru_cache(maxsize=1_000)
def _parsed(candidate: str) -> str | None:
    """The date that dateparser sees in a candidate with day, month and year; None if it sees none."""
    import dateparser

    settings = {"STRICT_PARSING": True, "REQUIRE_PARTS": ["day", "month", "year"]}
    parsed = dateparser.parse(candidate, languages=list(_LANGUAGES), settings=settings)
    return parsed.date().isoformat() if parsed is not None else None


def find_dates(text: str) -> list[Span]:
    """Dates and times, in order; of two that overlap the longer. A date without its year has the value None."""
    found = sorted([*_iso_dates(text), *_numeric(text), *_spelled(text)], key=lambda s: (s.start, -s.end))
    kept: list[Span] = []
    reach = -1
    for there in found:
        inside = there.start < reach
        if there.kind is Kind.DATE_TIME or not inside:
            kept.append(there)
            if there.kind is Kind.DATE:
                reach = max(reach, there.end)
    return kept
