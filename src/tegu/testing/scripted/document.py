"""Scripts as JSON, for a scripted provider that runs as its own process.

Called by `__main__`, and by tests that write such a file. Invariant: the JSON form has exactly the fields of the
dataclasses in `script`; an unknown one is an error.

    {"rules": [{"match": {"wire": "openai_chat", "model": "gpt-5-mini", "contains": ["invoice"], "nth": 2},
                "times": 1,
                "reply": {"body": {"kind": "failed", "status": 429, "retry_after_s": 0.2}, "delay_s": 0.1}},
               {"reply": {"body": {"kind": "json", "value": {"total": 12}},
                          "tokens": {"input_tokens": 900, "cached_tokens": 600, "output_tokens": 40}}}],
     "default": {"body": {"kind": "derived"}}}
"""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tegu.domain.errors import ConfigurationError
from tegu.testing.scripted.script import Script

_SCRIPT = TypeAdapter(Script)


def parse_script(text: str | bytes) -> Script:
    """Read a script. Raises ConfigurationError with every problem."""
    try:
        return _SCRIPT.validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'script'}: {e['msg']}" for e in error.errors()
        )
        raise ConfigurationError(f"the script of the scripted provider is wrong: {problems}") from error


def load_script(path: Path) -> Script:
    """Read a script from a file. Raises ConfigurationError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the script {str(path)!r}: {error.strerror}") from error
    return parse_script(text)


def dump_script(script: Script) -> str:
    """The JSON form of a script: what `parse_script` reads."""
    return _SCRIPT.dump_json(script, indent=2).decode()
