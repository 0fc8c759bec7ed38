"""Texts and schemas that the tests of the rules provider share."""

import json
from typing import Any

from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelReply, ModelRequest, OutputSpec
from tegu.llm.providers.rules import RulesProvider

INVOICE = """Nordlicht Supplies GmbH
Speicherstrasse 12, 20457 Hamburg
billing@nordlicht-supplies.example   +49 40 5550 1234

INVOICE

Invoice number: NL-2026-0417
Invoice date:   14 March 2026
Due date:       13 April 2026
Purchase order  PO-88213

Bill to:
Brightwater Clinics Ltd
4 Harbour Road, Bristol

Description                     Qty    Unit price      Amount
Examination lamp LX-2             4        210.00      840.00
Nitrile gloves, box of 200       30          9.15      274.50
Delivery                          1         50.00       50.00

Subtotal                                             1,164.50
VAT 19%                                                221.26
Total due                                        EUR 1,385.76

Please pay by bank transfer to IBAN DE89 3704 0044 0532 0130 00.
"""

THREAD = """From: Maria Lopez <maria.lopez@brightwater.example>
To: support@nordlicht.example
Date: 2026-03-02 09:15
Subject: Damaged lamps in order ORD-4411

Hello,

Two of the four lamps in our order ORD-4411 arrived with cracked shades on 27 February 2026. I attach photos.
Could you please refund EUR 420.00 for the two lamps?

Best regards,
Maria Lopez
Brightwater Clinics Ltd
+44 117 496 0123

From: Jonas Weber <jonas.weber@nordlicht.example>
To: Maria Lopez <maria.lopez@brightwater.example>
Date: 2026-03-02 11:02
Subject: Re: Damaged lamps in order ORD-4411

Hi Maria,

I am sorry about the damage. I have opened case CS-10293 with our warehouse. We can send replacements or refund you.

Kind regards,
Jonas Weber

From: Maria Lopez <maria.lopez@brightwater.example>
To: Jonas Weber <jonas.weber@nordlicht.example>
Date: 2026-03-05 16:40
Subject: Re: Damaged lamps in order ORD-4411

Hi Jonas,

We have bought lamps elsewhere, so replacements are of no use. Please confirm the refund of EUR 420.00 by Friday,
13 March 2026, otherwise I have to escalate this.

Thanks,
Maria
"""

TEXT: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
NUMBER: dict[str, Any] = {"type": ["number", "null"]}
DATE: dict[str, Any] = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
MONEY: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "currency": TEXT},
    "required": ["amount"],
}
ENTITIES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "entities": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"type": "string"}, "name": {"type": "string"}},
                "required": ["type", "name"],
            },
        },
        "category": TEXT,
    },
    "required": ["entities", "category"],
}


def record(**properties: Any) -> dict[str, Any]:
    """An object schema in which every property is required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


async def reply_to(
    text: str,
    schema: dict[str, Any] | None,
    *,
    task: str = "extract",
    labels: dict[str, str] | None = None,
    instructions: str = "",
    upstream: tuple[DataPart, ...] = (),
) -> ModelReply:
    hints: dict[str, Any] = {"task": task}
    if labels is not None:
        hints["labels"] = labels
    output = OutputSpec("output", schema) if schema is not None else None
    parts = (DataPart("source", text), *upstream)
    request = ModelRequest(ModelRef.parse("rules"), instructions, parts, output, hints=hints)
    return await RulesProvider().request(request, Credential())


async def output_of(text: str, schema: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return json.loads((await reply_to(text, schema, **rest)).text)
