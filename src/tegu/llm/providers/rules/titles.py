"""The type that a document gives itself: in its title, else in the label of its number.

Called by the leaf fields. Invariant: only the head of the text is looked at, and what it does not say stays open.
"""

import re

from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.layout import cells
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.words import words

HEAD_CHARS = 600
_TITLE_WORDS_MAX = 6
_NAMES = frozenset(("document_type", "doc_type", "type_of_document", "documenttype"))
_ALSO = {
    "invoice": ("factuur", "rechnung", "facture", "factura", "fattura"),
    "contract": ("agreement", "vertrag", "contrat", "overeenkomst"),
    "agreement": ("contract",),
    "quote": ("quotation", "angebot", "devis", "offerte"),
    "quotation": ("quote",),
    "receipt": ("quittung", "beleg", "kassenbon"),
    "order": ("bestellung", "commande", "bestelling"),
    "credit note": ("credit memo", "gutschrift", "creditnota", "avoir"),
}
_NUMBERED = r"(?:[ ](?:number|no\.?|nr\.?|id|date|#)|#)[ ]?:"


def is_wanted_by(name: str) -> bool:
    """Whether a field of this name is the type of the document."""
    return "_".join(words(name)) in _NAMES


def type_in(found: Found, choices: list[str]) -> Span | None:
    """The choice that the document names itself by, where it does; its `value` is the choice."""
    titles = [
        match
        for line in found.reading.lines
        if line.start < HEAD_CHARS
        for cell in cells(line)
        if _is_title(cell.text)
        for match in _said(cell, choices, r"(?!\w)")
    ]
    if titles:
        return titles[0]
    head = Span(Kind.TEXT, 0, min(HEAD_CHARS, len(found.text)), found.text[:HEAD_CHARS])
    labels = _said(head, choices, _NUMBERED)
    return labels[0] if len({str(item.value) for item in labels}) == 1 else None


def _is_title(text: str) -> bool:
    return (
        len(text.split()) <= _TITLE_WORDS_MAX
        and ":" not in text.rstrip(": ")
        and not text.rstrip().endswith((".", ",", "!", "?"))
    )


def _said(cell: Span, choices: list[str], after: str) -> list[Span]:
    """Where a stretch says a choice, in order; of two at one place the longer."""
    found: list[Span] = []
    for choice in choices:
        name = " ".join(words(choice))
        for form in (name, *_ALSO.get(name, ())):
            pattern = rf"(?<![\w-]){re.escape(form).replace(chr(92) + ' ', '[ -]')}{after}"
            match = re.search(pattern, cell.text, re.IGNORECASE) if form else None
            if match is not None:
                at = cell.start + match.start()
                there = span(Kind.TEXT, cell.text, match.start(), match.start() + len(form), choice)
                found.append(Span(Kind.TEXT, at, at + len(form), there.text, choice))
    return sorted(found, key=lambda item: (item.start, -len(item.text)))
