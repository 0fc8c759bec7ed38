"""Names of people and organizations: from mail headers, greetings, sign-offs, legal forms and capitals.

Called by `found`. Invariant: a name is a literal stretch of one line; doubtful capitals are left out.
"""

import re

from tegu.llm.providers.rules.given_names import ALSO_WORDS, GIVEN_NAMES
from tegu.llm.providers.rules.mail import Message, display_names
from tegu.llm.providers.rules.reading import Kind, Line, Span, span
from tegu.llm.providers.rules.words import fold, word_set

_WORD = r"[^\W\d_a-zà-öø-ÿ][^\W\d_]{1,24}(?:[-'\u2019][^\W\d_]{1,24})?"
_LEGAL = (
    r"(?:Inc|LLC|L\.L\.C|Ltd|Limited|GmbH|AG|KG|UG|SE|SAS|SARL|S\.A\.S|S\.A|SA|B\.V|BV|N\.V|NV|Corp|Corporation|Company|"
    r"Co|PLC|plc|LLP|Pty|Pvt|Oy|AB|A/S|ApS|S\.p\.A|S\.r\.l|Sp\. z o\.o|e\.V|Foundation|University|Institute|Bank|Group|Holdings|"
    r"Association|Partners|Logistics|Industries|Solutions|Technologies|Systems|Software|Labs|Studios|Consulting|Insurance|"
    r"Airlines|Energy|Pharma|Hospital|Ministry|Council|Agency)"
)
_ORGANIZATION = re.compile(
    rf"(?<![\w.])(?:(?:{_WORD}|[A-Z]{{2,6}}|[A-Z]-?|&|e-{_WORD})[ ]){{1,4}}{_LEGAL}(?:\.?[ ](?:&[ ]Co|KG|Ltd|Limited|Co|Inc|AG|SE|LLC)){{0,2}}"
    r"(?:\.(?=\W|$)|(?!\w))"
)
_CAPITALS = re.compile(
    rf"(?<![\w.@/-]){_WORD}(?:[ ](?:(?:van|von|de|der|den|la|le|da|di|del|bin|al|[A-Z]\.)[ ]){{0,2}}{_WORD}){{0,3}}(?![\w@])"
)
_TITLED = re.compile(
    rf"(?<!\w)(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|M)\.?[ ]({_WORD}(?:[ ]{_WORD}){{0,2}})"
)
_GREETING = re.compile(
    rf"^[ \t]{{0,8}}(?:Hi|Hello|Hey|Dear|Good (?:morning|afternoon|evening)|Hallo|Bonjour|Hola)(?: there)?,?[ ]"
    rf"({_WORD}(?:[ ]{_WORD}){{0,2}})[ ]?[,!.:\u2013\u2014-]"
)
_SIGN_OFF = re.compile(
    r"^[ \t]{0,8}(?:(?:(?:kind|best|warm|many|with kind|with best)[ ])?(?:regards|wishes|thanks)|thanks(?: again| a lot| in advance|"
    r" and regards| so much)?|thank you|cheers|best|sincerely(?: yours)?|yours(?: sincerely| truly| faithfully)?|all the best|"
    r"mit freundlichen grüßen|viele grüße|cordialement|bien à vous)[ ]?[,.!\u2013\u2014-]{0,2}[ \t]*$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    rf"^[ \t]{{0,8}}[-\u2013\u2014~]{{0,2}}[ ]?({_WORD}(?:[ ](?:[A-Z]\.[ ])?{_WORD}){{0,3}})(?:[ ]?[,|(\u2013\u2014-].{{0,80}})?[ \t]*$"
)
_CALLED = re.compile(
    r"\b(?:my name is|my name's|name is called|i am called|is named|was named|is called|call me)[ ]([^\W\d_]{2,24})(?![\w-])",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"(?:\b(?:with|from|to|by|and|ask|contact|met|meet|cc|attn|spoke to|talk to|told|colleague|manager|,) ?)\Z",
    re.IGNORECASE,
)

_NO_NAMES = word_set("account address agreement amount april august bank bill billing business card city client commercial company confidential "
    "contract customer date day dear december delivery department description due email february friday from general grand "
    "head hello hi hotel invoice item january july june lead manager march may message monday new november number october "
    "office operations order page payment phone please price product project purchase quantity re receipt reference regards "
    "registered sales saturday september service services ship shipping sincerely street subject subtotal sunday support tax "
    "team terms thanks the this thursday total tuesday unit united wednesday your")  # fmt: skip
_NAMES_MAX = 2_000


def _plausible(name: str) -> bool:
    return not any(fold(word) in _NO_NAMES for word in re.split(r"[ \-]", name)) and not name.isupper()


def _in_line(kind: Kind, line: Line, start: int, end: int) -> Span:
    there = span(kind, line.text, start, end)
    return Span(kind, line.start + there.start, line.start + there.end, there.text, there.text)


def _signed(lines: tuple[Line, ...], number: int) -> Span | None:
    """The name below a closing phrase."""
    below = [line for line in lines[number + 1 : number + 4] if not line.is_blank][:1]
    match = _SIGNATURE.match(below[0].text[:200]) if below else None
    return (
        _in_line(Kind.PERSON, below[0], match.start(1), match.end(1))
        if match and _plausible(match[1])
        else None
    )


def find_organizations(text: str) -> list[Span]:
    """Capitalised words that end in a legal form or in a word that only organizations end in."""
    found: list[Span] = []
    for match in _ORGANIZATION.finditer(text):
        there = span(Kind.ORGANIZATION, text, match.start(), match.end())
        first = there.text.split(" ", 1)[0]
        if fold(first) in {"the", "dear", "hi", "from", "by", "at", "a", "our", "your", "this"}:
            there = span(Kind.ORGANIZATION, text, there.start + len(first), there.end)
        if " " in there.text:
            found.append(there)
    return found[:_NAMES_MAX]


def find_people(
    lines: tuple[Line, ...], messages: tuple[Message, ...], organizations: list[Span]
) -> list[Span]:
    """People: senders and recipients, who is greeted, who signs, who has a title or a common given name."""
    listed = (name for message in messages for key in ("from", "to", "cc") for name in _listed(message, key))
    certain = [name for name in listed if _plausible(name.text)]
    for line in lines:
        head = line.text[:200]
        if _SIGN_OFF.match(head):
            signed = _signed(lines, line.number)
            certain += [signed] if signed else []
        greeting = _GREETING.match(head)
        if greeting and _plausible(greeting[1]):
            certain.append(_in_line(Kind.PERSON, line, greeting.start(1), greeting.end(1)))
    known = {fold(part) for name in certain for part in name.text.split() if len(part) > 2}
    taken = {position for item in [*certain, *organizations] for position in range(item.start, item.end)}
    found = list(certain)
    for line in lines:
        found += [
            there
            for there in _capitals(line, known)
            if there.start not in taken and there.end - 1 not in taken
        ]
    return sorted(found, key=lambda item: item.start)[:_NAMES_MAX]


def _listed(message: Message, key: str) -> list[Span]:
    header = message.headers.get(key)
    return display_names(header) if header else []


def _capitals(line: Line, known: set[str]) -> list[Span]:
    """Names inside a line: with a title, or capitalised and known or common."""
    found = [
        _in_line(Kind.PERSON, line, match.start(1), match.end(1)) for match in _TITLED.finditer(line.text)
    ]
    found += [
        _in_line(Kind.PERSON, line, match.start(1), match.end(1))
        for match in _CALLED.finditer(line.text)
        if match[1][0].isupper() or fold(match[1]) in GIVEN_NAMES
    ]
    taken = {position for item in found for position in range(item.start, item.end)}
    for match in _CAPITALS.finditer(line.text):
        parts = match[0].split(" ")
        start = match.start()
        while parts and fold(parts[0]) not in GIVEN_NAMES and fold(parts[0]) not in known:
            start += len(parts.pop(0)) + 1
        while parts and fold(parts[-1]) in _NO_NAMES:
            parts.pop()
        name = " ".join(parts)
        if not parts or not _plausible(name) or line.start + start in taken:
            continue
        if (
            len(parts) > 1
            or fold(name) in known
            or start == 0
            or fold(name) not in ALSO_WORDS
            or _CUE.search(line.text[max(0, start - 16) : start])
        ):
            found.append(_in_line(Kind.PERSON, line, start, start + len(name)))
    return found
