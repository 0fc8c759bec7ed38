"""HTML that is nested no deeper than browsers draw it.

Called by `read_html` before it parses: a parser looks through all open elements for most of what it reads, so that a megabyte of
`<div>` takes it minutes. Invariant: no text is lost; what is nested too deeply loses its tags, and is read as part of what is around.
"""

import re
from collections import Counter

DEPTH_MAX = 500
"""Elements within each other. Browsers draw about as many, and put the rest beside each other."""
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/><]*)")
_VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
_OPTIONAL_ENDS = "html head body p li dt dd td th tr tbody thead tfoot colgroup caption option optgroup rt rp"
"""They need no end and cannot stand within themselves, but for something that is counted."""
_HTML_WITHIN_TAGS = "foreignobject desc title annotation-xml mi mo mn ms mtext"
_LEAVE_PICTURES_TAGS = """b big blockquote center code div dl em embed font h1 h2 h3 h4 h5 h6 i img menu nobr ol pre ruby s small
span strong strike sub sup table tt u ul var"""
_UNCOUNTED = frozenset((_VOID_TAGS + " " + _OPTIONAL_ENDS).split())
_HTML_WITHIN = frozenset(_HTML_WITHIN_TAGS.split())
_LEAVE_PICTURES = frozenset(_LEAVE_PICTURES_TAGS.split())
_PICTURES = ("svg", "math")
_ATTRIBUTES_MAX = 20_000


def shallow(source: str, depth_max: int = DEPTH_MAX) -> str:
    """The same where it is shallow enough, which nearly everything is."""
    if source.count("<") <= depth_max:
        return source
    nesting = _Nesting(source, depth_max)
    pieces, at = list[str](), 0
    for tag in _TAG.finditer(source):
        if not nesting.keeps(tag):
            # `<!` begins what the parser takes for a comment, up to the end of the tag.
            pieces += (source[at : tag.start() + 1], "!")
            at = tag.start() + 1
    return "".join((*pieces, source[at:])) if pieces else source


class _Nesting:
    """Which elements are open, and which were left out."""

    def __init__(self, source: str, depth_max: int) -> None:
        self._source = source
        self._depth_max = depth_max
        self._depth = 0
        self._open: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def keeps(self, tag: re.Match[str]) -> bool:
        """Whether the next tag stays."""
        name = tag[2].lower()
        if name in _UNCOUNTED:
            return True
        return self._ends(name) if tag[1] else self._begins(name, tag.end())

    def _begins(self, name: str, end: int) -> bool:
        if self._is_ended_itself(name, end):
            return True
        if self._depth >= self._depth_max:
            self._left_out[name] += 1
            return False
        self._depth += 1
        self._open[name] += 1
        return True

    def _ends(self, name: str) -> bool:
        if self._left_out[name]:
            self._left_out[name] -= 1
            return False
        if self._open[name]:
            self._open[name] -= 1
            self._depth -= 1
        return True

    def _is_ended_itself(self, name: str, end: int) -> bool:
        """`<path/>`, which only pictures know."""
        if name in _LEAVE_PICTURES or not any(self._open[each] for each in _PICTURES):
            return False
        if any(self._open[each] for each in _HTML_WITHIN):
            return False
        closing = self._source.find(">", end, end + _ATTRIBUTES_MAX)
        return closing > 0 and self._source[closing - 1] == "/"
