"""E-mail addresses, web addresses, telephone numbers and identifiers in a text.

Called by `found`. Invariant: every pattern is bounded, so that a text made to be slow is read in linear time.
"""

import re

from tegu.llm.providers.rules.reading import Kind, Span, span

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-]{1,64}(?:\.[A-Za-z0-9_%+-]{1,64}){0,8}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_URL = re.compile(r"(?<![\w@.])(?:https?://|www\.)[^\s<>\"'()\[\]{}|\\^`]{3,2000}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.,/+#-])(?:\+|\(|\(\+)?\d{1,4}[\d ().\-\u2013/]{4,22}\d(?![\w%]|[.,]\d)")
_PHONE_SHAPE = re.compile(r"\+|\(\d{2,5}\)|^\d{3}[ .-]\d{3}[ .-]\d{4}$|^0\d{1,4}[ /-]\d{3,4}[ ]?\d{3,5}$")
_PHONE_CUE = re.compile(
    r"(?:phone|tel|telefon|téléphone|mobile|cell|fax|call|ring|reach|whatsapp)[^\n\d+(]{0,14}\Z",
    re.IGNORECASE,
)
_PHONES_MAX = 200
_IBANS_MAX = 20
_ID = re.compile(
    r"(?<![\w@./#-])(?:#\d{2,12}|(?=[A-Z0-9/_-]{0,11}\d)(?=[A-Z0-9/_-]{0,24}[A-Z])[A-Z0-9]{1,14}(?:[-/_][A-Z0-9]{1,14}){0,5})"
    r"(?![\w@]|[.]\w)"
)
_BIC = re.compile(r"(?<!\w)[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)")
_TAX_NUMBER = re.compile(
    r"(?<!\w)(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[ ]?"
    r"[A-Z]?\d{2,4}(?: \d{2,4}){2,4}(?!\w)"
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")


def find_emails(text: str) -> list[Span]:
    """E-mail addresses."""
    return [span(Kind.EMAIL, text, match.start(), match.end()) for match in _EMAIL.finditer(text)]


def find_urls(text: str) -> list[Span]:
    """Web addresses with a scheme or `www.`."""
    found: list[Span] = []
    for match in _URL.finditer(text):
        end = match.start() + len(match[0].rstrip(".,;:!?*_"))
        found.append(span(Kind.URL, text, match.start(), end))
    return found


def find_phones(text: str) -> list[Span]:
    """Telephone numbers: possible by their length, and shaped or introduced like one. At most 200."""
    candidates = [match for match in _PHONE.finditer(text) if 7 <= sum(map(str.isdigit, match[0])) <= 15]
    found: list[Span] = []
    for match in candidates[:_PHONES_MAX]:
        shown = match[0].strip()
        cued = _PHONE_CUE.search(text[max(0, match.start() - 30) : match.start()])
        if (cued or _PHONE_SHAPE.search(shown)) and _is_possible(shown):
            found.append(span(Kind.PHONE, text, match.start(), match.end()))
    return found


def _is_possible(candidate: str) -> bool:
    import phonenumbers

    # A number without its country code is possible if it is in some country of either habit.
    return any(
        next(
            iter(phonenumbers.PhoneNumberMatcher(candidate, region, phonenumbers.Leniency.POSSIBLE, 4)), None
        )
        for region in ("US", "DE")
    )


def is_iban(text: str) -> bool:
    """Whether the check digits of an account number are right."""
    code = text.replace(" ", "").upper()
    if not (15 <= len(code) <= 34 and code.isascii() and code.isalnum()):
        return False
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


def find_bank_codes(text: str) -> list[Span]:
    """What has the shape of a BIC, which many words have as well: a label must say that it is one."""
    return [span(Kind.ID, text, match.start(), match.end()) for match in _BIC.finditer(text)][:_IBANS_MAX]


def find_tax_numbers(text: str) -> list[Span]:
    """Tax numbers of European companies that are written in groups; their value is without the spaces."""
    return [
        span(Kind.ID, text, match.start(), match.end(), match[0].replace(" ", ""))
        for match in _TAX_NUMBER.finditer(text)
        if 8 <= len(match[0].replace(" ", "")) - 2 <= 12
    ][:_IBANS_MAX]


def find_ids(text: str) -> list[Span]:
    """Identifiers: letters and digits mixed (`INV-2024-0117`, `#4711`), and account numbers."""
    ibans = [
        span(Kind.ID, text, match.start(), match.end()) for match in _IBAN.finditer(text) if is_iban(match[0])
    ][:_IBANS_MAX]
    ibans += [there for there in find_tax_numbers(text) if not any(there.overlaps(iban) for iban in ibans)]
    found = list(ibans)
    for match in _ID.finditer(text):
        digits = sum(map(str.isdigit, match[0]))
        there = span(Kind.ID, text, match.start(), match.end(), match[0].removeprefix("#"))
        if digits >= 2 and len(match[0]) >= 4 and not any(there.overlaps(iban) for iban in ibans):
            found.append(there)
    return sorted(found, key=lambda item: item.start)
