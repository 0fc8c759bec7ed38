"""One stage's entry of a document, checked and made a StageDefinition.

Called by `check`. Invariant: a wrong field is reported and replaced by its default, so that everything else about the
stage, and about those that are wired to it, is still checked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.errors import ConfigurationError
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, KindCatalog
from tegu.pipeline.check_config import check_config, normalize_schema
from tegu.pipeline.check_flow import FlowReader
from tegu.pipeline.definition import PYTHON_KIND, RETRIES, SOURCE, TIMEOUT_S, ResultSpec, StageDefinition
from tegu.pipeline.failure_codes import FAILURE_CODES, OWN_CODES
from tegu.pipeline.flow import EVERY_OTHER, ITEM
from tegu.pipeline.limits import INSTRUCTIONS_LENGTH_MAX, TIMEOUT_S_MAX, is_name
from tegu.pipeline.report import Report, did_you_mean, one_of, type_word

STAGE_KEYS = (
    "uses",
    "with",
    "inputs",
    "needs",
    "join",
    "when",
    "else_of",
    "each",
    "on_failure",
    "cancels",
    "retries",
    "timeout_s",
    "deadline_s",
    "model",
    "result",
)
_KEY_HINTS = {
    "if": "use `when`",
    "condition": "use `when`",
    "depends_on": "use `inputs` for data, `needs` for order only",
    "after": "use `inputs` for data, `needs` for order only",
    "input": "use `inputs`, a list",
    "else": "use `else_of`, a list of stages with conditions",
    "foreach": "use `each`, the path of a list",
    "for_each": "use `each`, the path of a list",
    "map": "use `each`, the path of a list",
    "on_error": "use `on_failure`",
    "catch": "use `on_failure`, with the stage that handles it",
    "cancel": "use `cancels`, a list of stages",
    "deadline": "use `deadline_s`, in seconds",
    "timeout": "use `timeout_s`, in seconds",
    "timeout_seconds": "use `timeout_s`, in seconds",
    "retry": "use `retries`, the attempts after the first",
    "max_retries": "use `retries`, the attempts after the first",
    "type": "use `uses`",
    "kind": "use `uses`",
    "job_module": "use `uses`",
    "config": "use `with`",
    "settings": "use `with`",
    "results": "use `result`",
    "prompt": "put `instructions` under `with`",
    "name": "the key of the stage is its name",
}
_RESULT_HINT = "false, or {type: ..., each: ..., key: ...}"


@dataclass(frozen=True, slots=True)
class CheckedStage:
    """A stage, and what the wiring check needs to know: its config is valid, and its function if it has one."""

    definition: StageDefinition
    config_is_valid: bool
    contract: FunctionContract | None = None


class StageChecker:
    """Checks one entry."""

    def __init__(self, name: str, entry: JsonObject, catalog: KindCatalog | None, report: Report) -> None:
        self._name = name
        self._entry = entry
        self._catalog = catalog
        self._report = report
        self._place = f"stages.{name}"

    def check(self) -> CheckedStage:
        """The stage as well as it can be read."""
        self._check_keys()
        kind = self._kind()
        config, is_valid = self._config(kind)
        contract = self._contract(kind, config)
        inputs, optional_inputs = self._references("inputs", (SOURCE,))
        needs, optional_needs = self._references("needs", ())
        flow = FlowReader(self._entry, self._place, self._report)
        retries, retries_by_code = flow.retries(contract.retries if contract else RETRIES)
        if kind not in OWN_CODES:
            self._warn_of_codes(retries_by_code)
        each = flow.each()
        definition = StageDefinition(
            name=self._name,
            uses=kind,
            config=config,
            # What a stage maps over is one of its inputs, the last where it does not say which.
            inputs=(*inputs, ITEM) if each and ITEM not in inputs else inputs,
            optional_inputs=optional_inputs | optional_needs,
            needs=needs,
            when=self._text("when"),
            retries=retries,
            timeout_s=self._timeout_s(contract.timeout_s if contract else TIMEOUT_S),
            model=check_model(self._entry.get("model"), f"{self._place}.model", self._report, self._catalog),
            result=self._result(),
            join=flow.join(),
            else_of=flow.names("else_of"),
            on_failure=flow.on_failure(),
            cancels=flow.names("cancels", also=(EVERY_OTHER,)),
            retries_by_code=retries_by_code,
            deadline_s=flow.deadline_s(),
            each=each,
        )
        return CheckedStage(definition, is_valid, contract)

    def _warn_of_codes(self, codes: Iterable[str]) -> None:
        """A stage that never fails with a code is never tried again for it."""
        for code in codes:
            if code not in FAILURE_CODES:
                hint = did_you_mean(code, FAILURE_CODES) or "the codes are in docs/errors.md"
                message = f"a stage of this kind does not fail with {code!r}"
                self._report.warn(f"{self._place}.retries.{code}", message, hint)

    def _add(self, key: str, message: str, hint: str | None = None) -> None:
        self._report.add(f"{self._place}.{key}" if key else self._place, message, hint)

    def _check_keys(self) -> None:
        for key in self._entry:
            if key in STAGE_KEYS:
                continue
            hint = _KEY_HINTS.get(key) or did_you_mean(key, STAGE_KEYS)
            if hint is None:
                hint = f"put it under `with`: {{{key}: ...}}" if self._is_setting(key) else one_of(STAGE_KEYS)
            self._add(key, f"a stage has no key {key!r}", hint)

    def _is_setting(self, key: str) -> bool:
        kind = self._entry.get("uses")
        if key in {"instructions", "instructions_file", "schema", "labels"}:
            return True
        if self._catalog is None or not isinstance(kind, str) or kind not in self._catalog.kinds():
            return False
        properties = self._catalog.config_schema(kind).get("properties")
        return isinstance(properties, dict) and key in properties

    def _kind(self) -> str:
        kind = self._entry.get("uses")
        kinds = self._catalog.kinds() if self._catalog is not None else None
        if not isinstance(kind, str):
            self._add(
                "uses", "is missing" if kind is None else "must be text", one_of(kinds) if kinds else None
            )
            return ""
        if "@" in kind:
            self._add("uses", f"{kind!r} is a Python stage", f"uses: python, with: {{function: {kind}}}")
            return ""
        if kinds is not None and kind not in kinds:
            self._add("uses", f"there is no stage kind {kind!r}", did_you_mean(kind, kinds) or one_of(kinds))
            return ""
        return kind

    def _config(self, kind: str) -> tuple[JsonObject, bool]:
        config, place = self._entry.get("with"), f"{self._place}.with"
        if config is not None and not isinstance(config, dict):
            self._add("with", f"must be a mapping, not {type_word(config)}")
            return {}, False
        config = normalize_schema(config or {}, place, self._report)
        instructions = config.get("instructions")
        if isinstance(instructions, str) and len(instructions) > INSTRUCTIONS_LENGTH_MAX:
            self._add("with.instructions", f"has more than {INSTRUCTIONS_LENGTH_MAX} characters")
        if self._catalog is None or not kind:
            return config, bool(kind)
        schema = self._catalog.config_schema(kind)
        return config, check_config(kind, config, schema, place, self._report)

    def _contract(self, kind: str, config: JsonObject) -> FunctionContract | None:
        function = config.get("function")
        if kind != PYTHON_KIND or self._catalog is None or not isinstance(function, str):
            return None
        functions = self._catalog.functions()
        if function not in functions:
            hint = _function_hint(function, functions)
            self._add("with.function", f"there is no Python stage {function!r} here", hint)
        return functions.get(function)

    def _references(self, key: str, default: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
        """The names in `inputs` or `needs`, and those of them that are optional."""
        value = self._entry.get(key)
        if value is None:
            return default, frozenset()
        if not isinstance(value, list):
            self._add(key, f"must be a list, not {type_word(value)}", f"{key}: [{value}]")
            return default, frozenset()
        names: list[str] = []
        optional: set[str] = set()
        for i, item in enumerate(value):
            name, is_optional = _reference(item)
            if name is None:
                self._add(f"{key}[{i}]", "is no stage", "write its name, or `name?` where it may be missing")
            elif name in names:
                self._add(f"{key}[{i}]", f"{name!r} stands twice")
            else:
                names.append(name)
                optional.update([name] if is_optional else [])
        return tuple(names), frozenset(optional)

    def _text(self, key: str) -> str | None:
        value = self._entry.get(key)
        if value is None or isinstance(value, str):
            return value
        self._add(key, f"must be text, not {type_word(value)}")
        return None

    def _timeout_s(self, default: float) -> float:
        value = self._entry.get("timeout_s")
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= TIMEOUT_S_MAX:
            hint = f"seconds, more than 0 and at most {TIMEOUT_S_MAX:.0f}; no stage runs forever"
            self._add("timeout_s", f"{value!r:.60} is not allowed", hint)
            return default
        return float(value)

    def _result(self) -> ResultSpec | None:
        value = self._entry.get("result")
        if value is None or value is True:
            return ResultSpec()
        if value is False:
            return None
        if not isinstance(value, dict):
            self._add("result", f"must be false or a mapping, not {type_word(value)}", _RESULT_HINT)
            return ResultSpec()
        fields = {key: self._result_field(key, item) for key, item in value.items()}
        if fields.get("key") and not fields.get("each"):
            self._add(
                "result.key", "tells the items of a list apart, and there is no list", "name it with `each`"
            )
        return ResultSpec(fields.get("type"), fields.get("each"), fields.get("key"))

    def _result_field(self, key: str, value: JsonValue) -> str | None:
        choices = ("type", "each", "key")
        if key not in choices:
            self._add(f"result.{key}", f"a result has no {key!r}", did_you_mean(key, choices) or _RESULT_HINT)
        elif not isinstance(value, str) or not value:
            self._add(f"result.{key}", f"must be text, not {type_word(value)}")
        elif key == "type" and not is_name(value):
            self._add("result.type", f"{value!r} is no name", "use snake_case")
        else:
            return value
        return None


def check_model(
    value: JsonValue, place: str, report: Report, catalog: KindCatalog | None = None
) -> str | None:
    """A model as people write it: `provider:model`, an alias, or several with commas. Without a catalog nothing is said
    about aliases.
    """
    if value is None:
        return None
    from tegu.llm.model_names import parse_written

    if not isinstance(value, str):
        report.add(place, f"must be text, not {type_word(value)}", "anthropic:claude-sonnet-4-5")
        return None
    try:
        parse_written(value)
        if catalog is not None:
            catalog.check_model(value)
    except ConfigurationError as error:
        report.add(place, error.message, error.hint)
        return None
    return value


def _reference(item: JsonValue) -> tuple[str | None, bool]:
    match item:
        case str() if item.removesuffix("?").strip():
            return item.removesuffix("?").strip(), item.endswith("?")
        case {"stage": str() as name, **rest} if not rest.keys() - {"optional"}:
            return name, rest.get("optional") is True
        case _:
            return None, False


def _function_hint(function: str, functions: Mapping[str, FunctionContract]) -> str:
    name = function.partition("@")[0]
    same = sorted(key for key in functions if key.partition("@")[0] == name)
    if same:
        return f"there is {', '.join(same)}"
    return did_you_mean(function, functions) or (
        "declare it with @stage(version=...), then pass it: stages=[function], or --import MODULE "
        "of tegu run, start, check, worker or serve"
    )
