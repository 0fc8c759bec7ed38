"""From an action to its route: method, path, and which inputs stand in the path, the query, a header or the body.

    runs.list     GET    /api/runs                    runs.cancel   POST   /api/runs/{run_id}/cancel
    runs.get      GET    /api/runs/{run_id}           keys.delete   DELETE /api/keys/{key_id}
    runs.start    POST   /api/runs                    me.get        GET    /api/me

Called by `api` for every action. Invariant: the same rule for all, so that whoever knows one route guesses the others.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from tegu.actions.action import Action, Effect
from tegu.actions.registry import ACTIONS
from tegu.domain.page import Page

Format = Literal["json", "csv"]

IDEMPOTENCY_FIELD = "idempotency_key"
FORMAT_FIELD = "format"
_FORMAT = "`csv`: every row that matches, for a spreadsheet. Also by `Accept: text/csv`."
_PLAIN = {"list": "GET", "get": "GET", "create": "POST", "start": "POST"}
_ASKED_WITH_BODY = {"check", "diff", "draw", "forecast", "preview"}
"""What reads too, and of what is given rather than of what is stored: too much for a query."""
_PLAIN_WRITES = {"delete": "DELETE", "remove": "DELETE", "update": "PATCH", "set": "PUT"}


@dataclass(frozen=True)
class Route:
    """How an action is asked for over HTTP."""

    action: Action[Any, Any]

    @property
    def is_plain(self) -> bool:
        """Whether the method says the verb, so that the path need not."""
        return self.action.verb in _PLAIN or self.action.verb in _PLAIN_WRITES

    @property
    def method(self) -> str:
        """GET for what only reads, and what the verb says."""
        plain = _PLAIN | _PLAIN_WRITES | dict.fromkeys(_ASKED_WITH_BODY, "POST")
        return plain.get(self.action.verb, "GET" if self.action.effect is Effect.READ else "POST")

    @property
    def path(self) -> str:
        """Below /api."""
        parts = [self.action.noun.replace("_", "-")]
        if self.action.key:
            parts.append(f"{{{self.action.key}}}")
        if not self.is_plain:
            parts.append(self.action.verb.replace("_", "-"))
        return "/" + "/".join(parts)

    @property
    def status(self) -> int:
        """Of a success."""
        return 201 if self.action.verb in {"create", "start"} else 200

    def status_of(self, done: Any) -> int:
        """Of what was done: 200 for a content that was there already."""
        return self.status if getattr(done, "is_new", True) else 200

    @property
    def is_queried(self) -> bool:
        """Whether the inputs stand in the query, and not in a body."""
        return self.method in {"GET", "DELETE"}

    @property
    def current(self) -> Action[Any, Any] | None:
        """What reads the thing that this one changes, by the same key; None: there is no such action."""
        found = ACTIONS.get(f"{self.action.noun}.get")
        return found if found is not None and found.key == self.action.key else None

    @property
    def is_conditional(self) -> bool:
        """Whether it heeds If-Match."""
        return self.method in {"PATCH", "PUT", "DELETE"} and self.current is not None

    @property
    def shows_current(self) -> bool:
        """Whether a change answers with what can be read then, so that its tag is known at once."""
        return (
            self.is_conditional and self.current is not None and self.current.returns == self.action.returns
        )

    @property
    def is_page(self) -> bool:
        """Whether it answers with a page of a list, which is also had as CSV."""
        return self.action.verb == "list" and get_origin(self.action.returns) is Page

    @property
    def is_keyed(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return IDEMPOTENCY_FIELD in self.action.input.model_fields

    @cached_property
    def rest(self) -> type[BaseModel] | None:
        """The inputs that stand neither in the path nor in a header: of the query, or of the body. None: there are none."""
        elsewhere = {self.action.key, IDEMPOTENCY_FIELD}
        fields: dict[str, Any] = {
            name: (field.annotation, field)
            for name, field in self.action.input.model_fields.items()
            if name not in elsewhere
        }
        if self.is_page and FORMAT_FIELD not in fields:
            fields[FORMAT_FIELD] = (Format | None, Field(None, description=_FORMAT))
        if not fields:
            return None
        if len(fields) == len(self.action.input.model_fields):
            return self.action.input
        made = create_model(self.action.input.__name__, __config__=ConfigDict(extra="forbid"), **fields)
        made.__doc__ = self.action.input.__doc__
        return made
