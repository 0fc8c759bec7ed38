"""PDF to text, page by page: PDFium reads, pypdf is asked where PDFium cannot open the file or finds no text.

Called through `documents.read`, in a child process only (PDFium is native code). Invariant: parts are the pages, in
order, each inside the text; a PDF of pictures is no error but says `no_text`.
"""

import io
from collections.abc import Sequence
from typing import Any

from tegu.domain.content import Document, TextPart
from tegu.domain.errors import IntakeError
from tegu.domain.json import JsonObject, storable_text

_PAGES = 5_000
_TEXT_CHARS = 50_000_000
_PAGE_GAP = "\n\n"


def read_pdf(data: bytes, name: str | None = None) -> Document:
    """Read a PDF. Raises IntakeError: encrypted (only an empty password is tried), undecodable, too_large."""
    pages = _pdfium_pages(data)
    if pages is None or not any(page.strip() for page in pages):
        pages = _pypdf_pages(data) or pages
    if pages is None:
        raise IntakeError(
            "this PDF is damaged: no reader can open it",
            code="undecodable",
            hint="open it in a viewer and save it again, or send the original",
        )
    return _assemble(pages, name)


def _assemble(pages: Sequence[str], name: str | None) -> Document:
    parts: list[TextPart] = []
    start = 0
    for number, page in enumerate(pages, 1):
        parts.append(TextPart("page", start, start + len(page), str(number)))
        start += len(page) + len(_PAGE_GAP)
    metadata: JsonObject = {"pages": len(pages)}
    if not any(page.strip() for page in pages):
        metadata["no_text"] = True
    return Document(_PAGE_GAP.join(pages), "application/pdf", name, tuple(parts), metadata)


def _clean(page: str) -> str:
    """PDFium writes U+FFFE, and some producers U+0002, for the hyphen that breaks a word at a line's end."""
    text = page.replace("\r\n", "\n").replace("\r", "\n")
    for hyphen in ("\ufffe", "\x02"):
        text = text.replace(hyphen + "\n", "").replace(hyphen, "")
    return storable_text("\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def _check_size(pages: int, chars: int) -> None:
    if pages > _PAGES:
        raise IntakeError(
            f"this PDF has {pages} pages, the limit is {_PAGES}", code="too_large", hint="split it"
        )
    if chars > _TEXT_CHARS:
        raise IntakeError(
            f"this PDF has more than {_TEXT_CHARS} characters of text", code="too_large", hint="split it"
        )


def _encrypted() -> IntakeError:
    return IntakeError(
        "this PDF is encrypted and needs a password",
        code="encrypted",
        hint="save it without a password and send it again",
    )


def _pdfium_pages(data: bytes) -> list[str] | None:
    """Text per page, or None when PDFium cannot open the file."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        untyped: Any = error
        if untyped.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise _encrypted() from error
        return None
    pages: list[str] = []
    chars = 0
    _check_size(len(pdf), 0)
    for index in range(len(pdf)):
        try:
            text_page: Any = pdf[index].get_textpage()
            page = _clean(text_page.get_text_bounded())
        except pypdfium2.PdfiumError:
            page = ""  # one broken page does not lose the others
        chars += len(page)
        _check_size(0, chars)
        pages.append(page)
    return pages


def _pypdf_pages(data: bytes) -> list[str] | None:
    """Text per page, or None when pypdf cannot open the file."""
    import logging

    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, WrongPasswordError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        locked = reader.is_encrypted and not reader.decrypt("")
        pages = [] if locked else [_clean(page.extract_text() or "") for page in reader.pages[:_PAGES]]
    except (FileNotDecryptedError, WrongPasswordError) as error:
        raise _encrypted() from error
    except Exception:  # noqa: BLE001 - pypdf raises whatever its data structures raise on damaged files
        return None
    if locked:
        raise _encrypted()
    _check_size(0, sum(map(len, pages)))
    return pages
