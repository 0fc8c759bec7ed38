"""Numbers, percentages and amounts of money in a text.

Called by `found`. Invariant: every pattern is bounded, so that a text made to be slow is read in linear time.
"""

import re
from decimal import Decimal, InvalidOperation

from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.words import word_set

# The sign is looked at by hand: `1-2` is a range, not a negative number.
_NUMBER = re.compile(
    r"(?<![\d.,])(?:\d{1,3}(?:[.,'\u2019\u00a0\u202f]\d{3}){1,5}(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,6})?)(?![\d]|[.,]\d)"
)
_SPACED = re.compile(r"(?<![\w.,])\d{1,3}(?: \d{3}){1,4}[.,]\d{2}(?![\d]|[.,]\d)")

_SYMBOLS = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₪": "ILS",
    "₫": "VND", "₴": "UAH", "R$": "BRL", "US$": "USD", "A$": "AUD", "C$": "CAD", "zł": "PLN", "Kč": "CZK",
    "Rs": "INR", "Rs.": "INR", "Fr.": "CHF", "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD",
    "pounds": "GBP", "rupees": "INR",
}  # fmt: skip
CODES = word_set(
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KES KRW MAD MXN MYR NGN NOK NZD "
    "PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
_BEFORE = re.compile(
    r"(?:([A-Z]{3})|(US\$|R\$|A\$|C\$|Rs\.?|Fr\.|[€$£¥₹₩₽₺₪₫₴]))[ \u00a0\u202f]?([-\u2212]?)\Z"
)
_AFTER = re.compile(
    r"[ \u00a0\u202f]?(?:([A-Z]{3})(?![A-Za-z])|([€$£¥₹₩₽₺₪₫₴]|zł|Kč)|(euros?|dollars?|pounds|rupees)\b|(%))"
)
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_SYMBOL = re.compile(
    r"US\$|R\$|A\$|C\$|(?<![A-Za-z])Rs\.?(?![a-z])|[€$£¥₹₩₽₺₪₫₴]|zł|Kč|(?<![a-z])euros?(?![a-z])"
)
_UNIT_AFTER = re.compile(
    r"(?:x|\u00d7|pcs|kg|g|l|ml|km|cm|mm|m|h|hrs?|d|px|gb|mb|k)?(?![A-Za-z])", re.IGNORECASE
)


def number(text: str, *, comma_decimal: bool = False) -> Decimal | None:
    """The value of a number as people write it: `1,284.50`, `1.284,50`, `1'284.50`; None if it is none."""
    digits = re.sub(r"['\u2019\s]", "", text).replace("\u2212", "-")
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        separator, after = digits[last], len(digits) - last - 1
        both = "." in digits and "," in digits
        grouped = digits.count(separator) > 1 or (
            not both
            and after == 3
            and digits[:last].lstrip("-") != "0"
            and (separator == "," or comma_decimal)
        )
        whole = digits if grouped else digits[:last]
        whole = whole.replace(".", "").replace(",", "")
        digits = whole if grouped else f"{whole}.{digits[last + 1 :]}"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def uses_comma_decimals(text: str) -> bool:
    """Whether `12,50` is more common than `12.50` in the text."""
    commas = len(re.findall(r"\d,\d{2}(?![\d,.])", text))
    return commas > len(re.findall(r"\d\.\d{2}(?![\d,.])", text))


def _currency(code: str | None, *symbols: str | None) -> str | None:
    if code is not None:
        return code if code in CODES else None
    return next((_SYMBOLS[symbol] for symbol in symbols if symbol in _SYMBOLS), None)


def _read(text: str, start: int, end: int, *, comma_decimal: bool) -> Span | None:
    """What the digits at [start, end) are, by what stands directly before and after them."""
    value = number(text[start:end], comma_decimal=comma_decimal)
    if value is None:
        return None
    before, after = _BEFORE.search(text[max(0, start - 5) : start]), _AFTER.match(text, end)
    currency_before = _currency(before[1], before[2]) if before else None
    currency_after = _currency(after[1], after[2], after[3]) if after else None
    negative = (
        start > 0 and text[start - 1] in "-\u2212" and not text[max(0, start - 2) : start - 1].isalnum()
    )
    if negative:
        value, start = -value, start - 1
    if before and currency_before:
        if before[3] and not negative:
            value = -value
        before_length = len(before[0]) - (1 if negative and before[3] else 0)
        return span(Kind.MONEY, text, start - before_length, end, _json(value), currency_before)
    if after and currency_after:
        return span(Kind.MONEY, text, start, after.end(), _json(value), currency_after)
    if after and after[4]:
        return span(Kind.PERCENT, text, start, after.end(), _json(value))
    glued = text[max(0, start - 1) : start] == "-" and text[max(0, start - 2) : start - 1].isalnum()
    if (
        glued
        or text[max(0, start - 1) : start].isalpha()
        or text[max(0, start - 1) : start] in {"_", "/", "#", "["}
    ):
        return None
    if _UNIT_AFTER.match(text, end) is None or text[end : end + 1] in {"_", "/", ":"}:
        return None
    return span(Kind.NUMBER, text, start, end, _json(value))


def _json(value: Decimal) -> int | float:
    whole = value.to_integral_value()
    return int(whole) if value == whole and value.as_tuple().exponent == 0 else float(value)


def find_amounts(text: str) -> list[Span]:
    """Money, percentages and plain numbers, in order. A number inside a date or an id is still in here."""
    comma_decimal = uses_comma_decimals(text)
    found: list[Span] = []
    for match in _SPACED.finditer(text):
        read = _read(text, match.start(), match.end(), comma_decimal=comma_decimal)
        if read is not None and read.kind is Kind.MONEY:
            found.append(read)
    taken = {position for spaced in found for position in range(spaced.start, spaced.end)}
    for match in _NUMBER.finditer(text):
        if match.start() in taken:
            continue
        read = _read(text, match.start(), match.end(), comma_decimal=comma_decimal)
        if read is not None:
            found.append(read)
    return sorted(found, key=lambda item: item.start)


def find_currencies(text: str) -> list[Span]:
    """Currency codes and symbols, with the ISO code as value."""
    found = [
        span(Kind.CURRENCY, text, match.start(), match.end(), match[0])
        for match in _CODE.finditer(text)
        if match[0] in CODES
    ]
    found += [
        span(Kind.CURRENCY, text, match.start(), match.end(), _SYMBOLS[match[0]])
        for match in _SYMBOL.finditer(text)
        if match[0] in _SYMBOLS
    ]
    return sorted(found, key=lambda item: item.start)
