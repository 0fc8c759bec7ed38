"""A small lexicon of what people write about to businesses, and of how documents are called.

Called by the labels and the schema walk. Invariant: the words are stored as stems.
"""

from typing import Final

from tegu.llm.providers.rules.words import stem

_INTENTS: Final = {
    "support": "help issue problem error broken fail failed failing crash bug fix trouble stuck work working stopped assist login "
    "password reset unable cannot missing damaged",
    "help": "issue problem error broken trouble stuck assist support unable cannot",
    "technical": "error bug crash login password install installation server api outage broken",
    "bug": "error crash broken exception fail failed wrong traceback defect",
    "sales": "buy purchase pricing price quote demo trial interested license licenses plan upgrade offer discount evaluate",
    "buy": "purchase pricing price quote demo trial interested license offer",
    "billing": "invoice charge charged payment paid bill refund card overcharged subscription credit price",
    "payment": "paid pay charge charged card transfer bank transaction invoice",
    "invoice": "invoice bill amount due payment vat total remit",
    "refund": "refund money back reimburse reimbursement return returned credit chargeback",
    "return": "return send back exchange refund replacement rma",
    "cancel": "cancel terminate close end unsubscribe stop cancellation",
    "cancellation": "cancel terminate close end unsubscribe stop",
    "terminate": "close delete cancel end remove deactivate",
    "complaint": "unhappy disappointed unacceptable terrible awful angry complain poor worst frustrated late damaged broken",
    "shipping": "deliver delivery shipment track tracking parcel package courier arrive arrived late lost ship shipped",
    "delivery": "deliver delivered shipment tracking parcel package courier arrive arrived late ship shipped",
    "order": "order ordered purchase bought item",
    "account": "login password access profile username locked reset sign",
    "access": "login password permission locked sign",
    "security": "password breach phishing suspicious fraud hacked compromised unauthorized vulnerability",
    "fraud": "unauthorized suspicious stolen scam compromised unrecognised",
    "feedback": "suggest suggestion improve love like idea feature",
    "feature": "suggest wish add improve idea",
    "job": "application apply cv resume position vacancy interview candidate hiring salary",
    "hr": "application cv resume position vacation leave payroll hiring employee salary",
    "legal": "contract agreement clause liability lawyer attorney court nda gdpr terms",
    "meeting": "meet call schedule calendar appointment invite agenda availability tomorrow reschedule",
    "appointment": "schedule book reschedule calendar slot",
    "spam": "winner lottery prize click free viagra unsubscribe offer congratulations bitcoin",
    "partnership": "partner collaborate cooperation reseller affiliate",
    "press": "journalist interview article media story",
    "urgent": "urgent asap immediately critical emergency outage blocked today down now",
    "high": "urgent asap immediately critical emergency outage blocked down",
    "critical": "urgent emergency outage down immediately production",
    "low": "whenever minor cosmetic eventually hurry rush",
    "positive": "great thank thanks love happy excellent amazing wonderful perfect pleased good awesome satisfied glad best",
    "negative": "bad terrible awful angry disappointed disappointing broken worst hate poor unacceptable frustrated unhappy wrong fail "
    "problem late damaged annoying useless",
}
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {}
for _name, _words in _INTENTS.items():
    if " " not in _name:
        SYNONYMS[stem(_name)] = tuple(
            dict.fromkeys((*SYNONYMS.get(stem(_name), ()), *map(stem, _words.split())))
        )

DOCUMENT_TYPES: Final = (
    "purchase order", "credit note", "delivery note", "bank statement", "account statement", "privacy policy", "job application",
    "cover letter", "non-disclosure agreement", "service agreement", "lease agreement", "employment contract", "tax invoice",
    "payment receipt", "invoice", "receipt", "contract", "agreement", "quotation", "quote", "proposal", "statement", "resume",
    "curriculum vitae", "report", "memo", "memorandum", "minutes", "letter", "certificate", "policy", "factuur", "rechnung",
    "facture", "factura",
)  # fmt: skip

TOPICS: Final = {
    "refund": "wants money back for a return or a charge",
    "billing": "question about an invoice, a charge or a payment",
    "delivery": "where a parcel is, late or missing shipment",
    "complaint": "unhappy about quality or service",
    "cancellation": "wants to cancel or terminate",
    "sales": "wants to buy, asks for a quote or pricing",
    "technical support": "something does not work, error, crash, login",
    "meeting": "schedule a call or an appointment",
    "job application": "applies for a vacancy",
    "contract": "agreement, clause, terms, signature",
}
"""What a mail thread may be about, where a schema wants a category and names none."""
