"""What users of Tegu, and Tegu's own tests, test with.

    from tegu import testing

    refund = await refund_request(thread, testing.context(replies={Refund: {"order": "A-1", "amount": 49.9}}))
    run = await testing.run(pipeline, Path("thread.mbox"), replies={"extract": {...}, "classify": {...}})

Called by tests, demos and benchmarks; never by the service. Its one invariant: nothing here stands in for our own
code; only what is outside the process (the model provider, and in memory the database) is replaced. Importing it loads
nothing; each name is loaded when it is first used, because the pytest plugin is loaded in every test session.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tegu.testing.canned import NoReplyError, quoted
    from tegu.testing.checkpointed import MemoryRun
    from tegu.testing.contexts import RecordingContext, context
    from tegu.testing.inputs import document, mail_thread
    from tegu.testing.memory import AskedCall
    from tegu.testing.outside import Decision, SentMessage, answered, approve, correct, reject, undecided
    from tegu.testing.recorded import recorded_models
    from tegu.testing.running import run, run_sync
    from tegu.testing.scripted import ScriptedProvider

__all__ = [
    "AskedCall",
    "Decision",
    "MemoryRun",
    "NoReplyError",
    "RecordingContext",
    "ScriptedProvider",
    "SentMessage",
    "answered",
    "approve",
    "context",
    "correct",
    "document",
    "mail_thread",
    "quoted",
    "recorded_models",
    "reject",
    "run",
    "run_sync",
    "undecided",
]

_NAMES_BY_MODULE = {
    "tegu.testing.canned": "NoReplyError quoted",
    "tegu.testing.checkpointed": "MemoryRun",
    "tegu.testing.contexts": "RecordingContext context",
    "tegu.testing.inputs": "document mail_thread",
    "tegu.testing.memory": "AskedCall",
    "tegu.testing.outside": "Decision SentMessage answered approve correct reject undecided",
    "tegu.testing.recorded": "recorded_models",
    "tegu.testing.running": "run run_sync",
    "tegu.testing.scripted": "ScriptedProvider",
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'tegu.testing' has no attribute {name!r}")
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
