import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.intake.charset import decode

GERMAN = "Die Bürger müssen für größere Straßen höhere Gebühren bezahlen, sagte die Ministerin am Dienstag."
RUSSIAN = "Уважаемые коллеги, направляем вам договор на поставку оборудования и просим подтвердить получение письма."
JAPANESE = "お世話になっております。ご注文の商品は本日発送いたしました。どうぞよろしくお願いいたします。"


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_german_is_read_without_a_declaration(charset: str) -> None:
    assert decode(GERMAN.encode(charset)) == GERMAN


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "cp1251"])
def test_russian_is_read_without_a_declaration(charset: str) -> None:
    assert decode(RUSSIAN.encode(charset)) == RUSSIAN


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("Shift_JIS", "cp932", "①髙 " + JAPANESE),
        ("iso-2022-jp", "iso2022_jp", JAPANESE),
        ("gb2312", "gb18030", "朱镕基"),
        ("ks_c_5601-1987", "cp949", "스티해"),
        ("iso-8859-1", "cp1252", "“quoted” 5 €"),
        ('"windows-1251"', "cp1251", RUSSIAN),
        ("us-ascii", "utf-8", GERMAN),
        ("iso-8859-8-i", "iso8859_8", "שלום"),
    ],
)
def test_a_declared_charset_is_read_as_senders_mean_it(declared: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), declared) == text


def test_a_wrong_declaration_does_not_beat_valid_utf8() -> None:
    assert decode(GERMAN.encode(), "iso-8859-1") == GERMAN


def test_a_few_broken_bytes_do_not_spoil_the_rest() -> None:
    assert decode(GERMAN.encode() + b"\xff") == GERMAN + "\ufffd"
    assert decode(JAPANESE.encode("cp932") + b"\x81", "shift_jis").startswith(JAPANESE)


def test_nothing_that_cannot_be_stored_comes_out() -> None:
    assert decode(b"a\x00b") == "a\ufffdb"
    assert decode(b"\xed\xa0\x80 is a lone surrogate", "utf-8").encode()
    assert "\ud800" not in decode(b"\xd8\x00\x00a", "utf-16-be")


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "hex", "rot13", "no-such", "a\x00b", "", "é"]
)
def test_what_is_no_charset_is_ignored(name: str) -> None:
    assert decode(b"plain \\u0041", name) == "plain \\u0041"


@given(
    st.binary(max_size=400),
    st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["utf-7", "big5", "utf-16"])),
)
def test_decoding_never_raises_and_can_be_stored(data: bytes, declared: str | None) -> None:
    text = decode(data, declared)
    assert "\x00" not in text
    assert text.encode("utf-8").decode("utf-8") == text
