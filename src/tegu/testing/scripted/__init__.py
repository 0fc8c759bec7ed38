"""A local HTTP server that answers as model providers do, by script: the real client code is what runs.

    async with ScriptedProvider([Rule(Reply(Failed(429, retry_after_s=0.1)), times=1)]) as server:
        provider = OpenAIProvider(base_url=server.base_url("openai"), api_key="any")
        ...
        assert len(server.ledger) == 2

Called by tests, demos and benchmarks. Invariant: see `server`.
"""

from tegu.testing.scripted.document import dump_script, load_script, parse_script
from tegu.testing.scripted.ledger import LedgerEntry, read_ledger
from tegu.testing.scripted.routes import ProviderRequest
from tegu.testing.scripted.script import (
    Body,
    Call,
    Derived,
    Failed,
    Filtered,
    Invalid,
    Json,
    Malformed,
    Match,
    Raw,
    Refused,
    Reply,
    Rule,
    Script,
    Text,
    Tokens,
    WireFormat,
)
from tegu.testing.scripted.server import Limits, ScriptedProvider
from tegu.testing.scripted.state import ReplyFunction

__all__ = [
    "Body",
    "Call",
    "Derived",
    "Failed",
    "Filtered",
    "Invalid",
    "Json",
    "LedgerEntry",
    "Limits",
    "Malformed",
    "Match",
    "ProviderRequest",
    "Raw",
    "Refused",
    "Reply",
    "ReplyFunction",
    "Rule",
    "Script",
    "ScriptedProvider",
    "Text",
    "Tokens",
    "WireFormat",
    "dump_script",
    "load_script",
    "parse_script",
    "read_ledger",
]
