"""HTML to text with its block structure: paragraphs, lists, table rows, quotes and headings.

Called through `documents.read`, and by the mail reader for messages that are only HTML. Invariant: nothing is fetched,
nothing is run, and what is nested deeper than browsers draw is read as less deep.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tegu.domain.content import Document
from tegu.domain.json import JsonObject
from tegu.intake.charset import decode, marked_charset
from tegu.intake.sections import Heading, sections
from tegu.intake.shallow_html import shallow

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_DROPPED_TAGS = "script style template head noscript iframe object embed svg math canvas audio video select"
_PARAGRAPH_TAGS = "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre figure hr"
_BLOCK_TAGS = """address article aside body caption center dd details div dt fieldset figcaption footer form header
legend li main menu nav option section summary tbody tfoot thead tr"""
_DROPPED = frozenset(_DROPPED_TAGS.split())
_PARAGRAPHS = frozenset(_PARAGRAPH_TAGS.split())
_BLOCKS = _PARAGRAPHS | frozenset(_BLOCK_TAGS.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_SPACE = re.compile(r"[ \t\n\r\f\u200b\u00ad]+")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none", re.IGNORECASE)
_CHARSET_BYTES = 4096
_QUOTE_DEPTH = 5
_BULLET = "- "


def read_html(data: bytes, name: str | None = None, *, charset: str | None = None) -> Document:
    """Read HTML. `charset` is what a transport says, which goes before what the page says of itself."""
    text, headings, title = html_text(decode(data, charset or _declared_charset(data)))
    metadata: JsonObject = {"title": title} if title else {}
    return Document(text, "text/html", name, sections(text, headings), metadata)


def html_text(source: str) -> tuple[str, list[Heading], str | None]:
    """The visible text of HTML source, its headings, and its title."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(shallow(source))
    titles = tree.css("title")
    title = _SPACE.sub(" ", titles[0].text()).strip() if titles else ""
    page = _Page()
    if tree.root is not None:
        _walk(tree.root, page)
    text, headings = page.finish()
    return text, headings, title or None


def _declared_charset(data: bytes) -> str | None:
    if marked_charset(data) is not None:
        return None
    found = _CHARSET.search(data[:_CHARSET_BYTES])
    # A page that was read as bytes up to its own declaration cannot be UTF-16, whatever it says.
    name = found[1].decode("ascii", "replace") if found else None
    return None if name is None or name.casefold().startswith("utf-16") else name


@dataclass(slots=True)
class _Page:
    """The text being made: finished lines, and the line that grows."""

    lines: list[str] = field(default_factory=list[str])
    headings: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    words: list[str] = field(default_factory=list[str])
    quote_depth: int = 0
    pre_depth: int = 0
    ends_in_space: bool = True

    def write(self, text: str) -> None:
        """Add inline text; white space is one space, except in `pre`."""
        if self.pre_depth:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self.words.append(first)
            for line in rest:
                self.break_line()
                self.words.append(line)
            self.ends_in_space = False
            return
        text = _SPACE.sub(" ", text)
        if self.ends_in_space:
            text = text.lstrip(" ")
        if text:
            self.words.append(text)
            self.ends_in_space = text.endswith(" ")

    def break_line(self) -> None:
        """End the line, also an empty one."""
        line = "".join(self.words).rstrip()
        self.lines.append(
            "> " * min(self.quote_depth, _QUOTE_DEPTH) + line if line else ">" * min(self.quote_depth, 1)
        )
        self.words.clear()
        self.ends_in_space = True

    def end_block(self, *, paragraph: bool) -> None:
        """End the line if it has text; a paragraph is followed by an empty line."""
        if "".join(self.words).strip():
            self.break_line()
        self.words.clear()
        self.ends_in_space = True
        if paragraph and self.lines and self.lines[-1].strip("> "):
            self.break_line()

    def is_at_bullet(self) -> bool:
        """Whether the line has only a list item's mark so far: a paragraph in the item goes on there."""
        return self.words == [_BULLET]

    def end_quote(self) -> None:
        """Leave a quote: the empty line after it is not quoted."""
        while self.lines and not self.lines[-1].strip("> "):
            self.lines.pop()
        self.quote_depth -= 1
        self.break_line()

    def finish(self) -> tuple[str, list[Heading]]:
        """The text without doubled empty lines, and where its headings start."""
        self.end_block(paragraph=False)
        kept: list[str] = []
        starts: list[int] = []
        offset = 0
        for line in self.lines:
            starts.append(offset)
            if not line.strip() and (not kept or not kept[-1].strip()):
                continue
            kept.append(line)
            offset += len(line) + 1
        text = "\n".join(kept).rstrip()
        marks = [(starts[at], label) for at, label in self.headings if at < len(starts)]
        return text, [Heading(start, label) for start, label in marks if start < len(text)]


def _walk(root: "LexborNode", page: _Page) -> None:
    """Depth first without recursion: enter a node, its children, leave it, go on with the next."""
    node: LexborNode | None = root
    while node is not None:
        child = node.child if _enter(node, page) else None
        if child is not None:
            node = child
            continue
        while node is not None:
            _leave(node, page)
            if node.mem_id == root.mem_id:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


def _enter(node: "LexborNode", page: _Page) -> bool:
    """Write what stands before the children. False when they are not to be read."""
    tag = node.tag or ""
    if tag == "-text":
        page.write(node.text_content or "")
        return False
    if tag in _DROPPED or tag.startswith(("-", "!")) or _is_hidden(node):
        return tag == "-document"
    if tag in _BLOCKS and not page.is_at_bullet():
        page.end_block(paragraph=tag in _PARAGRAPHS)
    match tag:
        case "br":
            page.break_line()
        case "li":
            page.write(_BULLET)
        case "td" | "th" if "".join(page.words).strip():
            page.words.append(" | ")
            page.ends_in_space = True
        case "pre":
            page.pre_depth += 1
        case "blockquote":
            page.quote_depth += 1
        case _ if tag in _HEADINGS:
            page.headings.append((len(page.lines), _SPACE.sub(" ", node.text()).strip()))
        case _:
            pass
    return True


def _leave(node: "LexborNode", page: _Page) -> None:
    tag = node.tag or ""
    if tag not in _BLOCKS or _is_hidden(node):
        return
    page.end_block(paragraph=tag in _PARAGRAPHS and tag != "blockquote")
    if tag == "pre":
        page.pre_depth -= 1
    elif tag == "blockquote":
        page.end_quote()


def _is_hidden(node: "LexborNode") -> bool:
    """Whether a person would not see it: text hidden on purpose is spam filler or aimed at models."""
    attributes = node.attributes
    if not attributes:
        return False
    return "hidden" in attributes or bool(_HIDDEN.search((attributes.get("style") or "")[:500]))
