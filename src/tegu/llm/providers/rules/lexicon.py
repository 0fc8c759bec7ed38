"""What labels and field names mean: words of several languages as one concept each.

Called wherever a field is compared with a label. Invariant: the comparison is symmetric and lies between 0 and 1.
"""

from functools import lru_cache

from tegu.llm.providers.rules.words import STOP_WORDS, fold, stem, words

# Longer phrases first; what they name is taken out before the single words are looked at.
_PHRASES: tuple[tuple[str, str], ...] = tuple(
    (phrase, concept)
    for concept, phrases in {
        "total": "total amount due|amount due|balance due|total due|total payable|amount payable|grand total|total amount|invoice total|"
        "order total|to pay|somme a payer|montant total|te betalen|zu zahlen|gesamtbetrag|rechnungsbetrag|prijs incl btw|price incl vat|price incl tax|amount incl vat|total incl vat|totaal incl btw|betrag inkl mwst",
        "subtotal": "sub total|excl btw|excl vat|excl tax|excluding vat|excluding tax|exclusief btw|before tax|net amount|total net|"
        "total ht|total excl|zwischensumme|nettobetrag|montant ht|montant eur ht",
        "tax": "tva intra communautaire|tva intracommunautaire|montant tva",
        "unit_price": "unit price|price unit|price per unit|unit cost|prijs per stuk|prix unitaire|price each|price per|einzelpreis",
        "customer": "bill to|billed to|sold to|ship to|invoice to|issued to|prepared for",
        "vendor": "bill from|sold by|issued by|pay to|payable to|payment to|billed by",
        "due date": "due on|due by|pay by|payable by|payment due|date limite",
        "number": "n °|n º",
        "purchase order": "purchase order|p.o.|po number",
        "effective date": "effective as of|effective from|in force from",
        "payment": "paid by|paid with|payment mode|payment method",
        "start": "check in",
        "end": "check out",
    }.items()
    for phrase in phrases.split("|")
)
_SINGLE: dict[str, str] = {
    word: concept
    for concept, names in {
        "invoice": "invoice invoices inv bill factuur facture rechnung factura fattura receipt rechnungs",
        "number": "number no nr num nummer numero id identifier # n° nº № ident",
        "reference": "reference ref referentie referenz",
        "date": "date dated datum fecha data day",
        "due date": "due vervaldatum fallig falligkeit deadline echeance faelligkeitsdatum",
        "issue": "issue issued document doc issuance",
        "total": "total totaal gesamt gesamtsumme summe endbetrag totale ttc",
        "amount": "amount sum betrag bedrag montant importe importo value",
        "subtotal": "subtotal net netto untaxed subtotaal zwischensumme ht",
        "tax": "tax taxes vat btw tva mwst ust gst iva umsatzsteuer",
        "vendor": "vendor supplier seller issuer merchant provider payee lieferant leverancier fournisseur",
        "customer": "customer client buyer purchaser klant kunde cliente recipient guest payer acheteur subscriber",
        "quantity": "quantity qty quantities aantal hoeveelheid menge quantite cantidad units hours count pieces pcs",
        "unit_price": "rate price prijs preis prix precio each",
        "description": "description desc item items article artikel omschrijving bezeichnung beschreibung product service details designation "
        "position products services",
        "unit": "unit uom measure einheit",
        "position": "pos line row",
        "discount": "discount disc korting rabatt remise reduction",
        "shipping": "shipping delivery freight versand verzending livraison postage",
        "order": "order bestelling bestellung commande ordernummer orders",
        "phone": "phone telephone tel mobile cell telefon fax telefoon",
        "email": "email mail e-mail emails courriel",
        "name": "name naam nom nombre title",
        "person": "person contact",
        "address": "address adres adresse anschrift street",
        "currency": "currency devise valuta waehrung wahrung",
        "percent": "percent percentage pct precentage",
        "code": "code sku article_no",
        "bic": "bic swift",
        "start": "start begin starts commencement beginning checkin",
        "end": "end ends expiry expires expiration termination until checkout",
        "signed": "signed signature signing executed",
        "term": "term duration period",
        "payment": "payment paid pay betaling zahlung paiement",
        "account": "account konto iban rekening compte",
        "refund": "refund refunded reimbursement erstattung",
        "ticket": "ticket case incident",
    }.items()
    for word in names.split()
}
# Compounds of Dutch and German, which write two concepts as one word.
_COMPOUNDS = {
    "factuurnummer": "invoice number", "rechnungsnummer": "invoice number", "factuurdatum": "invoice date",
    "rechnungsdatum": "invoice date", "klantnummer": "customer number", "kundennummer": "customer number",
    "orderdatum": "order date", "ordernummer": "order number", "bestellnummer": "order number", "untaxed": "subtotal",
    "factuuradres": "invoice address", "lieferdatum": "shipping date", "falligkeitsdatum": "due",
}  # fmt: skip
_WEIGHTS = {
    "date": 0.4, "number": 0.4, "amount": 0.4, "name": 0.4, "invoice": 0.3, "issue": 0.2, "currency": 0.4, "email": 0.4,
    "phone": 0.4, "description": 0.5, "unit": 0.6, "person": 0.4, "address": 0.6, "payment": 0.7, "code": 0.6,
}  # fmt: skip


@lru_cache(maxsize=20_000)
def concepts(text: str) -> frozenset[str]:
    """The concepts that a label or a field name speaks of; an unknown word is its own concept."""
    split = [part for word in words(text) for part in _COMPOUNDS.get(fold(word), word).split()]
    joined = f" {' '.join(split)} "
    found: set[str] = set()
    for phrase, concept in _PHRASES:
        if f" {phrase} " in joined:
            found.add(concept)
            joined = joined.replace(f" {phrase} ", " ")
    for word in joined.split():
        concept = _SINGLE.get(word)
        if concept is not None:
            found.add(concept)
        elif word not in STOP_WORDS and len(word) > 1 and not word.isdigit():
            found.add(f"~{stem(word)}")  # never mistaken for a concept of ours
    if "due date" in found:
        found.discard("date")
    if "total" in found:
        found.discard("amount")
    return frozenset(found)


_KNOWN = frozenset(_SINGLE.values()) | {concept for _, concept in _PHRASES}


def is_known(label: str) -> bool:
    """Whether a label has a word that labels are made of."""
    return bool(concepts(label) & _KNOWN)


def _weight(names: frozenset[str]) -> float:
    return sum(_WEIGHTS.get(name, 1.0) for name in names)


def similarity(wanted: frozenset[str], offered: frozenset[str]) -> float:
    """How much two sets of concepts speak of the same: twice what they share by what both weigh."""
    shared = wanted & offered
    return 2 * _weight(shared) / (_weight(wanted) + _weight(offered)) if shared else 0.0
