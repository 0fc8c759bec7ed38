"""Which actions have a command that was written by hand, where that says more than the derived one would.

Read by `action_commands`: an action that stands here gets no second command. A test compares with the commands that exist.
"""

from collections.abc import Mapping
from types import MappingProxyType

WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "budgets.list": "budgets list",
        "budgets.remove": "budgets remove",
        "budgets.set": "budgets set",
        "calls.list": "calls list",
        "concurrency.get": "concurrency",
        "concurrency.set": "concurrency",
        "contents.create": "ingest",
        "installation.get": "status",
        "installation.pause": "pause",
        "installation.resume": "resume",
        "limits.list": "limits",
        "llm.ask": "llm try",
        "me.get": "whoami",
        "models.list": "models list",
        "models.try": "models test",
        "models.use": "models use",
        "organizations.export": "organizations export",
        "pauses.create": "pause",
        "pauses.list": "pauses",
        "pauses.remove": "resume",
        "pipelines.check": "check",
        "pipelines.diff": "pipelines diff",
        "pipelines.draw": "pipelines draw",
        "pipelines.export": "pipelines export",
        "pipelines.forecast": "forecast",
        "pipelines.get": "pipelines show",
        "pipelines.list": "pipelines list",
        "results.list": "results list",
        "runs.cancel": "runs cancel",
        "runs.compare": "runs compare",
        "runs.fork": "runs fork",
        "runs.get": "runs show",
        "runs.list": "runs list",
        "runs.signal": "runs signal",
        "runs.start": "start",
        "schedules.create": "schedules add",
        "schedules.list": "schedules list",
        "schedules.pause": "schedules pause",
        "schedules.remove": "schedules remove",
        "schedules.resume": "schedules resume",
        "workers.list": "workers",
    }
)


def command_name(action: str) -> str:
    """How the command of an action is called: `pipeline-versions list`."""
    return WRITTEN.get(action) or action.replace("_", "-").replace(".", " ")
