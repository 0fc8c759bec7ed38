"""Log lines: one line each, what they are about, and no secret."""

import asyncio
import io
import json
import logging
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.domain.errors import ConfigurationError
from tegu.llm.credentials import secrets_of
from tegu.settings import Settings
from tegu.telemetry import logs
from tegu.telemetry.logs import LENGTH_MAX, JsonFormatter, Redaction, TextFormatter

log = logging.getLogger("tegu.test_logs")


@pytest.fixture
def lines() -> Generator[io.StringIO]:
    """What is logged in this test, as JSON lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(Redaction(["correct horse battery"])))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    yield stream
    log.removeHandler(handler)
    log.propagate = True


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("tegu.x", logging.WARNING, __file__, 1, message, arguments, None)
    vars(made).update(extra)
    return made


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_it_is_about(lines: io.StringIO) -> None:
    run_id = uuid4()
    with logs.fields({"run_id": run_id, "stage": "extract", "attempt": 2}):
        log.info("asked %s", "again", extra={"model": "rules"})
    log.info("after")
    inside, after = read(lines)
    assert (inside["message"], inside["level"], inside["logger"]) == ("asked again", "info", "tegu.test_logs")
    assert (inside["run_id"], inside["stage"], inside["attempt"]) == (str(run_id), "extract", 2)
    assert inside["model"] == "rules"
    assert "run_id" not in after


async def test_stages_at_the_same_time_do_not_mix_up_what_they_are_about(lines: io.StringIO) -> None:
    async def stage(name: str) -> None:
        with logs.fields({"stage": name}):
            for _ in range(5):
                await asyncio.sleep(0)
                log.info(name)

    await asyncio.gather(*(stage(f"stage_{n}") for n in range(10)))
    told = read(lines)
    assert len(told) == 50
    assert all(line["stage"] == line["message"] for line in told)


def test_an_exception_is_within_the_line(lines: io.StringIO) -> None:
    try:
        int("first\nsecond correct horse battery")
    except ValueError:
        log.exception("it failed")
    (line,) = read(lines)
    assert "ValueError: invalid literal" in line["exception"]
    assert line["exception"].endswith("second ***'")


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("no answer from postgresql://tegu:hunter2hunter2@db:5432/x", "hunter2hunter2"),
        ("headers {'Authorization': 'Bearer abc.def'}", "abc.def"),
        ("headers Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("key sk-ant-api03-abcdefghijklmnop was refused", "abcdefghijklmnop"),
        ("key correct horse battery was refused", "horse"),
    ],
)
def test_secrets_are_blotted_out_wherever_they_stand(said: str, hidden: str) -> None:
    redact = Redaction(["correct horse battery", "short"])
    for formatter in (JsonFormatter(redact), TextFormatter(redact)):
        for made in (record(said), record("%s", said), record("x", cause=said), record("x", **{said: 1})):
            line = formatter.format(made)
            assert hidden not in line
            assert "***" in line


@pytest.mark.parametrize(
    "said", ["a basic understanding", "the bearer of news", "pk_workers_organization_run_id"]
)
def test_words_that_are_no_secret_stay(said: str) -> None:
    assert Redaction(["short"])(said) == said


def test_the_keys_of_providers_are_known_secrets() -> None:
    environment = {
        "OPENAI_API_KEY": "key-of-openai",
        "AWS_SECRET_ACCESS_KEY": "key-of-aws",
        "AWS_REGION": "eu-west-1",
    }
    assert secrets_of(environment) == {"key-of-openai", "key-of-aws"}


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_whatever_is_quoted_a_record_is_one_line_that_steers_nothing(message: str, value: str) -> None:
    made = record("%s", message, quoted=value)
    as_json = JsonFormatter().format(made)
    assert as_json.isascii()
    assert as_json.isprintable()
    assert json.loads(as_json)["quoted"] is not None
    as_text = TextFormatter().format(made)
    as_text.encode()  # no half surrogate pair
    assert as_text.splitlines() == [as_text]
    assert not any(character in as_text for character in "\x1b\x9b\u202e\x00\x7f")


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_record_that_cannot_be_written_as_it_is_is_still_written() -> None:
    assert "wrong %d" in json.loads(JsonFormatter().format(record("wrong %d", "x")))["message"]
    assert "Unshowable" in json.loads(JsonFormatter().format(record("x", value=Unshowable())))["value"]
    assert json.loads(JsonFormatter().format(record("x", value=float("nan"))))["value"] == "nan"
    long = json.loads(JsonFormatter().format(record("a" * 100_000)))["message"]
    assert len(long) == logs.LENGTH_MAX


def test_settings_quote_a_format_that_is_none() -> None:
    assert Settings.from_environment({"TEGU_LOG_FORMAT": "JSON", "TEGU_LOG_LEVEL": "info"}).is_log_json
    for name, value in (
        ("TEGU_LOG_FORMAT", "xml"),
        ("TEGU_LOG_LEVEL", "loud"),
        ("TEGU_TRACE_CONTENT", "some"),
    ):
        with pytest.raises(ConfigurationError, match=f"{name} is '{value}'"):
            Settings.from_environment({name: value})


def test_a_text_that_never_becomes_an_address_is_looked_through_once() -> None:
    shapes = ("a." * 200_000, "a://" * 100_000, "://" * 100_000 + "x:", "bearer " * 50_000, "sk-" * 100_000)
    record = logging.makeLogRecord({"msg": "%s", "args": ("".join(shapes),)})
    assert len(JsonFormatter(Redaction(["secret-of-someone"])).format(record)) < 10 * LENGTH_MAX
    for shape in shapes:
        Redaction()(shape[:20_000])
