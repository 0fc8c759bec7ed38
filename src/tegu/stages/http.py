"""`http`: a request to somebody else's service, through the guard of outgoing addresses.

options     url           where, as it stands: nothing is put into it
            method        GET (default), POST, PUT, PATCH, DELETE
            query_from    an input whose fields become the query: texts, numbers, true and false
            body_from     an input that is the body as JSON; by default all inputs by their names (not of GET and DELETE)
            headers       as they stand; secrets belong into a credential
            auth          {credential: NAME}: a stored secret, which goes to its own host alone
            timeout_s     for all of it, default 30
            response      json (default) or text
            bytes_max     of the answer, default 1,000,000
            expect        statuses that are no failure, default those from 200 to 299
returns     {status, headers, body}; of the headers those that say something of the body

Everything but a GET has the header `Idempotency-Key`, the same whenever this stage of this run is performed again: a service that
knows it does the work once. 408, 425, 429 and 5xx are tried again, after the time that the service asks for; others are not.
Redirects of a GET are followed, each checked as the first address was.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import uuid5

from pydantic import Field, JsonValue
from pydantic_core import from_json

from tegu.domain.errors import EgressError, Problem, StageError
from tegu.domain.json import JsonObject, storable_json
from tegu.egress.request import Answer, EgressLimits, EgressRequest
from tegu.egress.unpack import TooLargeError, unpacked
from tegu.pipeline.report import did_you_mean
from tegu.stages.inputs import named_values
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.reach import reachable

BYTES = 1_000_000
BYTES_MAX = 10_000_000
BODY_BYTES_MAX = 5_000_000
TIMEOUT_S_MAX = 600.0
_RETRY_AFTER_S_MAX = 3600.0
_PASSING = {408: "timeout", 425: "overloaded", 429: "rate_limited"}
_UNASKED = frozenset({"bad_url", "not_allowed"})
_WITHOUT_BODY = frozenset({"GET", "DELETE"})
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "idempotency-key"}
)
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_SHOWN = ("content-type", "etag", "last-modified", "link", "location", "x-request-id")

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
HeaderValue = Annotated[str, Field(max_length=2000, pattern=r"^[\x20-\x7e]*$")]
Status = Annotated[int, Field(ge=100, le=599)]


class HttpAuth(Options):
    """Which stored secret is sent."""

    credential: Annotated[str, Field(min_length=1, max_length=100)]


class HttpOptions(Options):
    """See the module."""

    url: Annotated[
        str,
        Field(
            max_length=2000,
            pattern=r"^https?://[^\s{}]+$",
            description="https://host/path, as it stands: what changes goes into `query_from` and `body_from`",
        ),
    ]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    query_from: str | None = None
    body_from: str | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=50)] = Field(
        default_factory=dict[HeaderName, HeaderValue]
    )
    auth: HttpAuth | None = None
    timeout_s: Annotated[float, Field(gt=0, le=TIMEOUT_S_MAX)] = 30.0
    response: Literal["json", "text"] = "json"
    bytes_max: Annotated[int, Field(ge=1, le=BYTES_MAX)] = BYTES
    expect: Annotated[tuple[Status, ...], Field(max_length=50)] = ()

    def is_expected(self, status: int) -> bool:
        """Whether an answer of this status is none that fails the stage."""
        return status in self.expect if self.expect else 200 <= status < 300


class HttpKind:
    """Implements StageKind and CheckingKind."""

    name = "http"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(HttpOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{status, headers, body}`."""
        body: JsonObject = {"type": "string"} if config.get("response") == "text" else {}
        return {
            "type": "object",
            "properties": {
                "status": {"type": "integer"},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                "body": body,
            },
            "required": ["status", "headers", "body"],
        }

    def config_problems(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> Sequence[Problem]:
        """Of the inputs that it names, and of headers that are not the author's to set."""
        found: list[Problem] = []
        for key in ("query_from", "body_from"):
            name = config.get(key)
            if isinstance(name, str) and name not in inputs:
                hint = did_you_mean(name, inputs) or f"wire {name!r} to `inputs`"
                found.append(Problem(key, f"there is no input {name!r}", hint))
        headers = config.get("headers")
        refused = map(_header_problem, headers if isinstance(headers, dict) else ())
        return [*found, *(each for each in refused if each is not None)]

    async def perform(self, work: StageWork) -> StageOutput:
        """Ask once."""
        options = read_options(HttpOptions, work.config)
        limits = EgressLimits(
            connect_s=min(10.0, options.timeout_s),
            read_s=options.timeout_s,
            total_s=options.timeout_s,
            answer_bytes_max=options.bytes_max,
        )
        asked = _request(work, options)
        credential = options.auth.credential if options.auth is not None else None
        try:
            answer = await reachable(work.reach.http, "addresses outside").request(
                work.task, asked, limits, credential=credential
            )
        except EgressError as error:
            transient = error.code not in _UNASKED
            raise StageError(error.message, code=error.code, hint=error.hint, transient=transient) from error
        if not options.is_expected(answer.status):
            raise _refused(answer, now=datetime.now(UTC))
        headers: JsonObject = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
        return StageOutput({"status": answer.status, "headers": headers, "body": _body(answer, options)})


def _request(work: StageWork, options: HttpOptions) -> EgressRequest:
    for name in options.headers:
        if (refused := _header_problem(name)) is not None:
            raise StageError(refused.message, code="bad_config", hint=refused.hint)
    headers = {"accept-encoding": "gzip", **{name.lower(): text for name, text in options.headers.items()}}
    url = options.url
    if options.query_from is not None:
        url += ("&" if "?" in url else "?") + urlencode(_query(work, options.query_from))
    body = b""
    if options.body_from is not None or options.method not in _WITHOUT_BODY:
        value = _input(work, options.body_from) if options.body_from else named_values(work.inputs)
        body = storable_json(value).encode()
        headers.setdefault("content-type", "application/json")
        if len(body) > BODY_BYTES_MAX:
            raise StageError(
                f"the body has {len(body)} bytes; at most {BODY_BYTES_MAX} are sent", code="too_large"
            )
    if options.method != "GET":
        headers["idempotency-key"] = str(uuid5(work.task.run_id, work.task.stage.name))
    return EgressRequest(options.method, url, headers, body=body)


def _header_problem(name: str) -> Problem | None:
    if name.lower() not in _OURS | _SECRET:
        return None
    hint = "store it as a credential, and name that in `auth`" if name.lower() in _SECRET else None
    return Problem(f"headers.{name}", f"the header {name!r} cannot be set", hint or "Tegu sets it itself")


def _query(work: StageWork, name: str) -> list[tuple[str, str]]:
    fields = _input(work, name)
    if not isinstance(fields, dict):
        raise StageError(f"the query is to be made of {name!r}, which has no fields", code="wrong_input")
    found: list[tuple[str, str]] = []
    for key, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict | list):
                raise StageError(f"{name}.{key} cannot stand in a query: {each!r:.60}", code="wrong_input")
            if each is not None:
                found.append((key, str(each).lower() if isinstance(each, bool) else str(each)))
    return found


def _input(work: StageWork, name: str) -> JsonValue:
    values = named_values(tuple(item for item in work.inputs if item.name == name))
    if name not in values:
        wired = ", ".join(item.name for item in work.inputs)
        raise StageError(f"there is no input {name!r}", code="bad_config", hint=f"inputs: {wired}")
    return values[name]


def _refused(answer: Answer, *, now: datetime) -> StageError:
    code = _PASSING.get(answer.status, "server" if answer.status >= 500 else "refused")
    said = answer.body[:200].decode("utf-8", "replace").strip()
    return StageError(
        f"the service answered {answer.status}{': ' if said else ''}{said}",
        code=code,
        hint=None if code != "refused" else "add the status to `expect` where it is no failure",
        transient=code != "refused",
        retry_after_s=_retry_after_s(answer.headers, now),
    )


def _retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the service asks for, in seconds or as a date, within bounds."""
    written = headers.get("retry-after", "").strip()
    if written.isascii() and written.isdecimal():
        return min(float(written), _RETRY_AFTER_S_MAX)
    try:
        asked_s = (parsedate_to_datetime(written) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(asked_s, 0.0), _RETRY_AFTER_S_MAX)


def _body(answer: Answer, options: HttpOptions) -> JsonValue:
    too_large = StageError(
        f"the answer has more than {options.bytes_max} bytes", code="too_large", hint="raise bytes_max"
    )
    if answer.is_cut:
        raise too_large
    try:
        data = unpacked(answer.body, answer.headers.get("content-encoding", ""), options.bytes_max)
    except TooLargeError as error:
        raise too_large from error
    except ValueError as error:
        raise StageError(f"the answer cannot be read: {error}", code="malformed") from error
    if options.response == "text":
        return data.decode("utf-8", "replace")
    if not data.strip():
        return None
    try:
        return from_json(data)
    except ValueError as error:
        raise StageError(
            f"the answer is no JSON: {error}", code="malformed", hint="`response: text` takes it as it is"
        ) from error
