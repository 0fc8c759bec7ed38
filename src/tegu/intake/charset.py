"""Bytes to text, whatever they claim to be.

Called by every reader of text, HTML and mail. Invariant: never raises, and what comes out can be stored (no NUL, no lone
surrogate).
"""

import codecs

from tegu.domain.json import storable_text

# What senders write, and the superset that reads it. WHATWG's Encoding Standard makes the same choices: mail that says
# "iso-8859-1" or "gb2312" uses the characters of Windows-1252 and GB18030 all the same.
_ALIASES = {
    "": "",
    "8bit": "",
    "binary": "",
    "default": "",
    "none": "",
    "unknown": "",
    "unknown-8bit": "",
    "x-unknown": "",
    "x-user-defined": "",
    "ansi": "cp1252",
    "ansi_x3.4-1968": "",
    "ascii": "",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "chinesebig5": "big5hkscs",
    "cp-850": "cp850",
    "cseucpkdfmtjapanese": "euc_jp",
    "dos-874": "cp874",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-1": "cp1252",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "ks_c_5601": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "macintosh": "mac_roman",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "tis-620": "cp874",
    "unicode": "utf_16",
    "unicode-1-1-utf-7": "utf_7",
    "us-ascii": "",
    "utf8mb4": "utf_8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
}
# Python has codecs that are no charsets of text: slow, stateful or meant for source code.
_REFUSED = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "mbcs", "oem"})

# UTF-32 first: its little-endian mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
_GUESS_BYTES = 32_768  # guessing is slow and needs no more
_GUESS_MIN_BYTES = 64  # below that a guess is a dice roll
_DAMAGE_ALLOWED = 0.02  # a declared charset is believed if at most this share of characters is broken


def decode(data: bytes, declared: str | None = None) -> str:
    """Text of bytes: by byte order mark, declared charset, UTF-8, a guess, and at last Windows-1252."""
    return storable_text(_decode(data, declared))


def marked_charset(data: bytes) -> str | None:
    """The charset that a byte order mark names, if there is one."""
    return next((charset for mark, charset in _MARKS if data.startswith(mark)), None)


def _decode(data: bytes, declared: str | None) -> str:
    marked = marked_charset(data)
    if marked is not None:
        return data.decode(marked, "replace").removeprefix("\ufeff")
    charset = _known(declared)
    # Bytes that are valid UTF-8 beyond ASCII are UTF-8, also when a single-byte charset is declared: that one fits all.
    tries = ["utf_8", charset] if charset in {None, "cp1252"} else [charset, "utf_8"]
    for name in tries:
        text = _strictly(data, name)
        if text is not None:
            return text
    if charset is not None and charset not in {"utf_8", "cp1252"}:
        text = data.decode(charset, "replace")
        if text.count("\ufffd") <= max(1, int(len(text) * _DAMAGE_ALLOWED)):
            return text
    return data.decode("cp1252", "replace") if charset == "cp1252" else _guessed(data)


def _known(declared: str | None) -> str | None:
    """The codec for a declared charset, or None where it names none."""
    if declared is None:
        return None
    name = declared.strip().strip("\"'").casefold()
    name = _ALIASES.get(name, name)
    if not name or not name.isascii():
        return None
    try:
        codec = codecs.lookup(name).name.replace("-", "_")
        b"a".decode(codec, "replace")  # refuses codecs that do not make text
    except (LookupError, ValueError):
        return None
    return None if codec in _REFUSED else codec


def _strictly(data: bytes, charset: str | None) -> str | None:
    if charset is None:
        return None
    try:
        return data.decode(charset)
    except ValueError:
        return None


def _guessed(data: bytes) -> str:
    wide = _wide_charset(data)
    if wide is not None:
        return data.decode(wide, "replace")
    # A UTF-8 text with a few broken bytes is still UTF-8.
    text = data.decode("utf_8", "replace")
    high = sum(byte >= 0x80 for byte in data[:_GUESS_BYTES])
    if text[:_GUESS_BYTES].count("\ufffd") * 10 < high:
        return text
    guess = _normalizer_guess(data[:_GUESS_BYTES]) if len(data) >= _GUESS_MIN_BYTES else None
    return data.decode(guess or "cp1252", "replace")


def _wide_charset(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of its first stretch is mostly zero."""
    sample = data[:1024]
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf_16_le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf_16_be"
    return None


def _normalizer_guess(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    try:
        best = from_bytes(sample).best()
    except Exception:  # noqa: BLE001 - a guess that fails is no guess; this function must not raise
        return None
    return _known(best.encoding) if best is not None else None
