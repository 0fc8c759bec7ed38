"""Which actions have a command that was written by hand, where that says more than the derived one would.

Read by `action_commands`: an action that stands here gets no second command. A test compares with the commands that exist.
"""

from collections.abc import Mapping
from types import MappingProxyType

WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "calls.list": "calls list",
        "contents.create": "ingest",
        "pipelines.check": "check",
        "pipelines.get": "pipelines show",
        "pipelines.list": "pipelines list",
        "results.list": "results list",
        "runs.cancel": "runs cancel",
        "runs.get": "runs show",
        "runs.list": "runs list",
        "runs.start": "start",
    }
)


def command_name(action: str) -> str:
    """How the command of an action is called: `pipeline-versions list`."""
    return WRITTEN.get(action) or action.replace("_", "-").replace(".", " ")
