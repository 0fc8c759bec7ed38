# ruff: noqa: RUF001 - the letters, dashes and colons of other languages are the point of this file
"""The lines by which mail programs set quoted text and signatures off, in the languages that we know.

Called by `reply`. Invariant: each test looks at a bounded stretch of a bounded number of lines, with patterns that
cannot backtrack badly, so that splitting is linear in the size of the text.
"""

import re
from collections.abc import Sequence

_LINE_CHARS = 400
_ATTRIBUTION_LINES = 4
_BLOCK_LINES = 8

# "On Tue, ... wrote:"; the verbs stand before the colon, or in the middle (German, Dutch).
_VERB = re.compile(
    r"\b(?:wrote|writes|schrieb|schreibt|geschrieben|a écrit|écrit|ecrit|escreveu|escribió|escribio|ha scritto|scrive"
    r"|kirjoitti|schreef|geschreven|skrev|napisał|napisała|napisal|написал|написала|пишет|пише|napsal|napsala|írta"
    r"|yazdı|έγραψε)\b"
    r"|wrote\s?:|写道|寫道|のメール|님이 작성",
    re.IGNORECASE,
)
_OPENING_WORD = re.compile(
    r"(?:on|le|am|em|el|il|op|den|på|a|w dniu|dnia|dne|the|v|στις|vào|pada|"
    r"(?:ma|ti|ke|to|pe|la|su|mo|di|mi|do|fr|sa|so|mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|"
    r"пн|вт|ср|чт|пт|сб|вс)\.?)"
    r"[\s,]",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_QUOTE = re.compile(r"\s{0,8}>")

_ORIGINAL = re.compile(
    r"[\s>*]{0,8}[-_=]{2,40}\s{0,4}(?:original message|original appointment|reply message|"
    r"ursprüngliche nachricht|original-?nachricht|message d'origine|message original|mensagem original|"
    r"mensaje original|messaggio originale|oorspronkelijk bericht|alkuperäinen viesti|ursprungligt meddelande|"
    r"oprindelig meddelelse|opprinnelig melding|oryginalna wiadomość|исходное сообщение|původní zpráva)\s{0,4}[-_=]{0,40}",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"[\s*]{0,8}(?:[-_=]{2,40}\s{0,4}(?:forwarded message|forwarded by|weitergeleitete nachricht|message transféré|"
    r"mensagem encaminhada|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|välitetty viesti|"
    r"vidarebefordrat meddelande|videresendt meddelelse|пересылаемое сообщение)"
    r"|(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message réexpédié|"
    r"début du message transféré|inicio del mensaje reenviado|inizio messaggio inoltrato)\s?:)",
    re.IGNORECASE,
)
_BLOCK_FROM = re.compile(
    r"[\s*_]{0,6}(?:from|von|de|da|van|från|fra|od|lähettäjä|от|发件人|寄件者|差出人|보낸 사람)[\s*_\xa0]{0,4}[:：]",
    re.IGNORECASE,
)
_BLOCK_FIELD = re.compile(
    r"[\s*_]{0,6}(?:sent|date|to|cc|subject|reply-to|importance|gesendet|datum|an|betreff|envoyé|date d'envoi|à|objet|"
    r"enviado|enviada|enviado em|enviada em|enviado el|fecha|data|para|assunto|asunto|inviato|a|oggetto|verzonden|aan|"
    r"onderwerp|skickat|till|ämne|sendt|til|emne|lähetetty|päivämäärä|vastaanottaja|aihe|wysłano|do|temat|"
    r"отправлено|дата|кому|тема|发送时间|收件人|主题|送信日時|宛先|件名)[\s*_\xa0]{0,4}[:：]",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[\s_*=~–—-]{3,}")
_UNDERSCORES = re.compile(r"\s{0,4}_{5,}\s{0,4}")
_DEVICE = re.compile(
    r"\s{0,4}(?:sent from (?:my|the|outlook|mail|yahoo|gmail|samsung|proton)|sent via|get outlook for|"
    r"von meinem .{1,40} gesendet|gesendet (?:von|mit|über)|envoyé (?:de|depuis)|obtenir outlook|"
    r"enviado (?:desde|do|a partir)|inviato (?:da|dal)|verzonden (?:vanaf|met|van)|lähetetty|skickat från|sendt fra|"
    r"wysłane z|отправлено (?:с|из)|holen sie sich outlook|ladda ned outlook)\b",
    re.IGNORECASE,
)
_NAME_DASH = re.compile(r"[-–—]{1,2}\s?[^\W\d_][\w.'-]{0,30}(?: [\w.'-]{1,30}){0,3}\s{0,4}")
_DELIMITER = re.compile(r"--[ \t\xa0]{0,3}")


def is_quoted(line: str) -> bool:
    """Whether the line is set off by `>`."""
    return _QUOTE.match(line) is not None


def is_original_mark(line: str) -> bool:
    """-----Original Message-----"""
    return _ORIGINAL.match(line[:_LINE_CHARS]) is not None


def is_forward_mark(line: str) -> bool:
    """---------- Forwarded message ---------"""
    return _FORWARD.match(line[:_LINE_CHARS]) is not None


def is_separator(line: str) -> bool:
    """A drawn line."""
    return len(line) <= _LINE_CHARS and _SEPARATOR.fullmatch(line) is not None and bool(line.strip())


def is_signature_delimiter(line: str) -> bool:
    """The two dashes of RFC 3676."""
    return _DELIMITER.fullmatch(line) is not None


def is_footer_line(line: str) -> bool:
    """The underscores over a mailing list's footer."""
    return len(line) <= _LINE_CHARS and _UNDERSCORES.fullmatch(line) is not None


def is_device_line(line: str) -> bool:
    """Sent from my telephone."""
    return len(line) <= _LINE_CHARS and _DEVICE.match(line) is not None


def is_dashed_name(line: str) -> bool:
    """`-Abhishek Kona`: a dash that is no bullet, and a name."""
    return len(line) <= 80 and line[1:2] != " " and _NAME_DASH.fullmatch(line) is not None


def is_header_block(lines: Sequence[str], at: int) -> bool:
    """Outlook's quoted header block: From:, and two more fields in the lines that follow."""
    if _BLOCK_FROM.match(lines[at][:_LINE_CHARS]) is None:
        return False
    following = lines[at + 1 : at + 1 + _BLOCK_LINES]
    return sum(_BLOCK_FIELD.match(line[:_LINE_CHARS]) is not None for line in following) >= 2


def attribution_length(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` on say who wrote what follows ("On ..., ... wrote:"); 0 when they do not."""
    count, text = _up_to_colon(lines, at)
    if not count or not _is_attribution(
        text, lines_count=count, before_quote=_next_is_quoted(lines, at + count)
    ):
        return 0
    # Text may stand right above: then a later line opens the attribution.
    for later in range(at + 1, at + count):
        _, rest = _up_to_colon(lines, later)
        if _OPENING_WORD.match(rest) and _is_attribution(rest, lines_count=2, before_quote=False):
            return 0
    return count


def _up_to_colon(lines: Sequence[str], at: int) -> tuple[int, str]:
    """The lines from `at` to the first that ends with a colon, as one; (0, "") when there is none nearby."""
    text = ""
    for count, line in enumerate(lines[at : at + _ATTRIBUTION_LINES], 1):
        if not line.strip() or is_quoted(line):
            break
        text = f"{text} {line.strip()[:_LINE_CHARS]}".strip()
        if line.rstrip().endswith((":", "：")):
            return count, text
    return 0, ""


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    """Whether the next line that is not empty is quoted."""
    return next((is_quoted(line) for line in lines[at : at + 3] if line.strip()), False)


def _is_attribution(text: str, *, lines_count: int, before_quote: bool) -> bool:
    """Words like "wrote", and something that only a mail program writes: a date, or an address."""
    if _VERB.search(text) is None:
        return False
    opened = _OPENING_WORD.match(text) is not None or text[:1].isdigit()
    dated = len(_DIGITS.findall(text)) >= 2
    addressed = "@" in text
    if lines_count > 1:
        return opened and (dated or addressed)
    return before_quote or (opened and dated) or (addressed and (dated or "<" in text))
