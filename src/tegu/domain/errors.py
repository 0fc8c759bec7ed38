"""Every error that Tegu raises on purpose, in one tree.

    TeguError                   code, message, hint
    |- UsageError               the caller asked for something that cannot be
    |  |- NotFoundError         no such pipeline, run, content, ...
    |  |- ConflictError         the state does not allow it (already finished, key reused with another body)
    |  |- UnauthenticatedError  nobody knows who asks: no key or session, or one that ended
    |  |- ForbiddenError        whoever asks may not do that
    |  |- QuotaError            too much of it for now; says when there is room again
    |  |- EgressError           an address that a user gave is not asked, or does not answer
    |  |- SignatureError        what was received is not signed by who it says
    |  |- InvalidInputError     what an action was asked with cannot be used: all of it, each with its place
    |  `- ConfigurationError    a setting, key or model is missing or wrong
    |- DefinitionError          a pipeline document has problems: all of them, each with its place
    |- IntakeError              bytes that cannot be read: unknown type, empty, undecodable, too large
    |- ProviderError            a model could not be called; `transient` says whether to try again
    |- NoCapacityError          a call has to wait: the stage is postponed, its run released until `due_in_s`
    |- StageError               a stage ended without an output; names the stage
    |- RunFailedError           a run that was waited for has failed
    |- RecordingError           recorded replies that cannot be read, or do not hold what a test asks for
    |- StorageUnavailableError  the database is not there, or does not answer
    `- UnreachableError         the service is not there, or does not answer; for its clients

Expected endings of a stage are values (`domain.outcome`), not exceptions; these are for the rest.
"""

from dataclasses import dataclass
from typing import Self

from tegu.domain.json import JsonObject


class TeguError(Exception):
    """Base of all. `code` is stable and documented, `message` quotes the value, `hint` says what to do."""

    code = "error"

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class UsageError(TeguError):
    """The caller asked for something that cannot be."""

    code = "usage"


class NotFoundError(UsageError):
    """There is no such thing in this organization."""

    code = "not_found"


class ConflictError(UsageError):
    """The present state does not allow it."""

    code = "conflict"


class UnauthenticatedError(UsageError):
    """Nobody knows who asks. Says nothing of why: a key that ended and one that never was look alike."""

    code = "unauthenticated"


class ForbiddenError(UsageError):
    """Whoever asks may not do that."""

    code = "forbidden"


class QuotaError(UsageError):
    """A quota or a rate is used up. Codes: quota, rate_limited. There is room again in `retry_after_s`."""

    code = "quota"

    def __init__(
        self, message: str, *, retry_after_s: float, hint: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after_s = retry_after_s


class EgressError(UsageError):
    """An address that a user gave is not asked, or does not answer.

    Codes: bad_url, not_allowed (not asked); unresolved, unreachable, timeout (not answered).
    """

    code = "egress"


class SignatureError(UsageError):
    """What was received is not signed with the secret, or too long ago."""

    code = "signature"


class ConfigurationError(UsageError):
    """A setting, key or model is missing or wrong."""

    code = "configuration"


class IntakeError(TeguError):
    """Input bytes that cannot be read. Codes: unknown_type, empty, undecodable, too_large, encrypted, hostile, timeout."""

    code = "intake"


OF_THE_QUESTION = frozenset({"bad_request", "content_filter", "length", "refusal", "unknown_model"})
"""Codes of a ProviderError that say: nothing is wrong with the provider, but with what it was asked."""


class ProviderError(TeguError):
    """A model could not be called, or its reply is no result.

    Codes: rate_limited, overloaded, server, connection, timeout, no_capacity (transient); authentication, quota, bad_request,
    content_filter, refusal, length, empty, malformed, unknown_model (permanent).
    """

    code = "provider"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        transient: bool,
        hint: str | None = None,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.status = status


class NoCapacityError(TeguError):
    """A call cannot be made for now, through nobody's fault, and nothing was sent.

    It passes through the code of a stage, which is performed again in `due_in_s` or sooner. Catching it gains nothing:
    what the stage returns after it is not used.
    """

    code = "no_capacity"

    def __init__(
        self, message: str, *, due_in_s: float, hint: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.due_in_s = due_in_s

    def for_caller(self) -> ProviderError:
        """The same for somebody who waits for an answer and has no run that could be released."""
        return ProviderError(
            self.message, code=self.code, transient=True, hint=self.hint, retry_after_s=self.due_in_s
        )


class StageError(TeguError):
    """A stage ended without an output. Raise it in a stage to fail for good, or with `transient=True` to be retried."""

    code = "stage_failed"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        transient: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.transient = transient
        self.retry_after_s = retry_after_s


class RunFailedError(TeguError):
    """A run that was waited for has failed."""

    code = "run_failed"


class RecordingError(TeguError):
    """Recorded exchanges that cannot be used.

    Codes: unreadable_recording, unsupported_recording, no_model_call, not_recorded.
    """

    code = "unreadable_recording"


class StorageUnavailableError(TeguError):
    """The database is not there, or does not answer."""

    code = "storage_unavailable"


class UnreachableError(TeguError):
    """The service is not there, or does not answer. `was_sent`: it may have done what it was asked for all the same."""

    code = "unreachable"

    def __init__(self, message: str, *, hint: str | None = None, was_sent: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where, what, and what to do."""

    place: str
    message: str
    hint: str | None = None
    line: int | None = None


class InvalidInputError(UsageError):
    """What an action was asked with cannot be used; `problems` has every one of them."""

    code = "invalid_input"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        if len(problems) == 1:
            said = f"{problems[0].place}: {problems[0].message}"
        else:
            lines = "\n".join(f"  {each.place}: {each.message}" for each in problems)
            said = f"{len(problems)} of the inputs cannot be used\n{lines}"
        super().__init__(said, hint=problems[0].hint if len(problems) == 1 else None)
        self.problems = problems


class DefinitionError(TeguError):
    """A pipeline document has problems; `problems` has every one of them."""

    code = "definition"

    def __init__(self, problems: tuple[Problem, ...], *, source: str = "pipeline") -> None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        lines = [f"{p.place}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems]
        super().__init__(f"{source} has {count}\n  " + "\n  ".join(lines), hint="run `tegu check FILE`")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as it is stored with a run or a stage run and shown to people."""

    code: str
    message: str
    stage: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: BaseException, *, stage: str | None = None) -> Self:
        """What to store of an exception: its own words when it is ours, its type and text otherwise."""
        if isinstance(error, TeguError):
            return cls(code=error.code, message=error.message, stage=stage, hint=error.hint)
        try:
            said = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 (an exception that cannot be written is one all the same)
            said = type(error).__name__
        return cls(code="exception", message=said, stage=stage)

    def to_json(self) -> JsonObject:
        """As stored: `{code, stage, message, hint}`."""
        return {"code": self.code, "stage": self.stage, "message": self.message, "hint": self.hint}

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        """The inverse of `to_json`."""

        def text(key: str) -> str | None:
            found = value.get(key)
            return found if isinstance(found, str) else None

        return cls(
            code=text("code") or "error",
            message=text("message") or "",
            stage=text("stage"),
            hint=text("hint"),
        )
