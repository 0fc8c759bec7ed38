"""Pages of PDFs: where the text stands on them, and pictures of them, made in a child."""

import struct
import zlib

import pytest
from pdf_bytes import pdf

from tegu.domain.errors import IntakeError
from tegu.intake.pdf_page import PIXELS_MAX
from tegu.intake.png import png_of
from tegu.intake.sandbox import draw_page, lay_out_page

ROTATED = b"/Rotate 90 /MediaBox"


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


async def test_every_character_of_a_page_has_its_place_on_it() -> None:
    text = "Total 186 EUR"
    page = await lay_out_page(pdf(["First", text]), 2, text)
    assert (page.width_pt, page.height_pt) == (612.0, 792.0)
    (line,) = page.lines
    assert (line.start, len(line.edges)) == (0, len(text) + 1)
    assert list(line.edges) == sorted(line.edges)
    assert line.edges[0] == pytest.approx(72, abs=1)
    assert line.top < 792 - 700 < line.bottom  # its base line, from above


async def test_text_that_another_reader_gave_is_found_by_its_words() -> None:
    page = await lay_out_page(pdf(["Total 186 EUR"]), 1, "EUR? Total of 186")
    placed = {line.start: len(line.edges) - 1 for line in page.lines}
    assert placed == {5: 5, 14: 3}  # `Total` and `186`


async def test_a_page_that_lies_on_its_side_is_laid_out_as_it_is_drawn() -> None:
    data = pdf(["Total"]).replace(b"/MediaBox", ROTATED)
    page = await lay_out_page(data, 1, "Total")
    assert (page.width_pt, page.height_pt) == (792.0, 612.0)
    assert {len(line.edges) for line in page.lines} == {2}  # one below the other: no two are in a line
    assert all(0 <= line.top < line.bottom <= 612 and line.edges[1] <= 792 for line in page.lines)
    width, height = size_of(await draw_page(data, 1, 396))
    assert (width, height) == (396, 306)


async def test_a_picture_is_as_wide_as_asked_and_never_has_too_many_pixels() -> None:
    assert size_of(await draw_page(pdf(["x"]), 1, 306)) == (306, 396)
    tall = pdf(["x"]).replace(b"[0 0 612 792]", b"[0 0 20 14000]")
    width, height = size_of(await draw_page(tall, 1, 2400))
    assert width < 2400
    assert width * height <= PIXELS_MAX * 1.01


@pytest.mark.parametrize("number", [2, 5_000])
async def test_a_page_that_is_not_there_is_no_picture(number: int) -> None:
    with pytest.raises(IntakeError, match=f"page {number} of this PDF cannot be drawn"):
        await draw_page(pdf(["x"]), number, 100)


def test_pixels_with_a_fourth_byte_lose_it() -> None:
    pixels = memoryview(bytes([1, 2, 3, 255, 4, 5, 6, 255, 0, 0, 7, 8, 9, 255, 10, 11, 12, 255, 0, 0]))
    png = png_of(2, 2, 10, 4, pixels)
    start = png.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", png[start - 8 : start - 4])
    rows = zlib.decompress(png[start : start + length])
    assert rows == bytes([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12])
