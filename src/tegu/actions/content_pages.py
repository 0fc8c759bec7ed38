"""Pages of a content, as they are printed: a picture of one, and where on it the text stands that evidence points into.

Called by `declared.content_pages` and by the route of pictures. Invariant: bytes are only opened in intake's sandbox, with less time
than reading them for good may take, since somebody waits.
"""

from dataclasses import dataclass
from uuid import UUID

from tegu.actions.contents import get_content
from tegu.actions.scope import Scope
from tegu.actions.texts import data_of, reading_of
from tegu.domain.content import Content, TextPart
from tegu.domain.document_page import PageLayout, PlacedText
from tegu.domain.errors import NotFoundError, UsageError
from tegu.intake.sandbox import Limits, draw_page, lay_out_page
from tegu.intake.sniff import PDF

WIDTH_PX_MIN = 100
WIDTH_PX_MAX = 2400
WIDTH_PX_DEFAULT = 1200
PICTURE_VERSION = 1
"""Part of the tag of a picture: raise it when the same page is drawn otherwise."""
_LIMITS = Limits(cpu_s=15, wall_s=30.0)


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page of `pages`: the stretch [start, end) of the content's text is on it, and `lines` say where. Offsets count
    characters of the whole text.
    """

    content_id: UUID
    page: int
    pages: int
    width_pt: float
    height_pt: float
    start: int
    end: int
    lines: tuple[PlacedText, ...]


async def page_of(scope: Scope, content_id: UUID, number: int) -> PrintedPage:
    """Where the text of a page stands on it. Raises NotFoundError, UsageError, IntakeError."""
    content = await _paged(scope, content_id)
    document = (await reading_of(scope, content)).document
    parts = [part for part in document.parts if part.kind == "page"]
    part = _part(content, parts, number)
    data = await data_of(scope, content)
    layout = await lay_out_page(data, number, document.text[part.start : part.end], limits=_LIMITS)
    return PrintedPage(
        content_id=content.id,
        page=number,
        pages=len(parts),
        width_pt=layout.width_pt,
        height_pt=layout.height_pt,
        start=part.start,
        end=part.end,
        lines=_moved(layout, part.start),
    )


async def picture_tag(scope: Scope, content_id: UUID, number: int, width_px: int) -> str:
    """What names the picture, known without drawing it. Raises NotFoundError, UsageError."""
    content = await _paged(scope, content_id)
    return f"{content.sha256[:32]}-{number}-{width_px}-{PICTURE_VERSION}"


async def picture_of(scope: Scope, content_id: UUID, number: int, width_px: int) -> bytes:
    """A page as PNG. Raises NotFoundError, UsageError, IntakeError."""
    content = await _paged(scope, content_id)
    return await draw_page(await data_of(scope, content), number, width_px, limits=_LIMITS)


async def _paged(scope: Scope, content_id: UUID) -> Content:
    content = await get_content(scope, content_id)
    if content.media_type != PDF:
        raise UsageError(
            f"content {content.id} is {content.media_type}, which has no pages",
            hint="read its text: `tegu contents text`",
        )
    return content


def _part(content: Content, parts: list[TextPart], number: int) -> TextPart:
    if number > len(parts):
        raise NotFoundError(
            f"content {content.id} has no page {number}", hint=f"its pages are 1 to {len(parts)}"
        )
    return parts[number - 1]


def _moved(layout: PageLayout, start: int) -> tuple[PlacedText, ...]:
    return tuple(PlacedText(line.start + start, line.top, line.bottom, line.edges) for line in layout.lines)
