"""The server: rules in order, limits, shutdown, its own process."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import httpx2
import pytest
from sdk_clients import ask, said, until

from tegu.domain.errors import ConfigurationError
from tegu.testing.scripted import (
    Failed,
    Json,
    Limits,
    Match,
    Reply,
    Rule,
    Script,
    ScriptedProvider,
    Text,
    Tokens,
    WireFormat,
    document,
    dump_script,
    parse_script,
    read_ledger,
)

CHAT = WireFormat.OPENAI_CHAT
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def rule(text: str, match: Match | None = None, times: int | None = None) -> Rule:
    return Rule(Reply(Text(text)), match or Match(), times)


async def test_rules_answer_in_order_until_they_are_used_up() -> None:
    rules = [
        rule("google", Match(wire=WireFormat.GOOGLE)),
        rule("invoice", Match(contains=("invoice", "total"))),
        rule("second", Match(nth=2)),
        rule("first", times=1),
    ]
    async with ScriptedProvider(rules) as server:
        assert server.script.unused == [rules[3]]
        assert said(await ask(server, CHAT, prompt="the total of this invoice")) == "invoice"
        assert said(await ask(server, CHAT)) == "first"
        assert said(await ask(server, CHAT)) == "second"
        assert said(await ask(server, CHAT)) == "x"
        assert said(await ask(server, WireFormat.GOOGLE)) == "google"
        assert server.script.unused == []
    assert [entry.rule for entry in server.ledger] == [1, 3, 2, None, 0]


async def test_a_rule_may_ask_for_a_model() -> None:
    async with ScriptedProvider([rule("mini", Match(model="gpt-5-mini"))]) as server:
        assert said(await ask(server, CHAT)) == "mini"
        assert said(await ask(server, WireFormat.GOOGLE)) == "x"


def test_a_script_survives_its_json_form() -> None:
    script = Script(
        (
            Rule(Reply(Failed(429, retry_after_s=0.5)), Match(wire=CHAT, contains=("a",)), times=2),
            Rule(Reply(Json({"a": [1]}), tokens=Tokens(10, 5), headers={"a": "b"}, reset="during")),
        ),
        default=Reply(Text("no rule"), delay_s=0.1),
    )
    assert parse_script(dump_script(script)) == script


def test_the_example_of_the_json_form_is_a_script() -> None:
    example = (document.__doc__ or "").partition("an error.")[2]
    script = parse_script(example)
    first, second = script.rules
    assert first.match == Match(CHAT, "gpt-5-mini", ("invoice",), nth=2)
    assert first.reply == Reply(Failed(429, retry_after_s=0.2), delay_s=0.1)
    assert second.reply.tokens == Tokens(input_tokens=900, output_tokens=40, cached_tokens=600)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Invalid JSON"),
        ('{"rules": [{"reply": {"body": {"kind": "txet"}}}]}', "rules.0.reply.body"),
        ('{"rules": [{"reply": {"body": {"kind": "text", "text": "x"}, "dely_s": 1}}]}', "dely_s"),
        (
            '{"rules": [{"reply": {"body": {"kind": "failed", "status": 200}}}]}',
            "greater than or equal to 400",
        ),
    ],
)
def test_a_wrong_script_names_its_problem(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_script(text)


async def test_paths_methods_and_bodies_that_nobody_serves_are_errors_in_the_ledger() -> None:
    async with ScriptedProvider() as server, httpx2.AsyncClient(base_url=server.url) as client:
        statuses = [
            (await client.post("/v1/embeddings", json={})).status_code,
            (await client.get("/v1/chat/completions")).status_code,
            (await client.post("/v1/chat/completions", content=b"no json")).status_code,
            (await client.post("/v1/chat/completions", json={"model": "m"})).status_code,
            (await client.post("/v1/messages", json=BODY)).status_code,
        ]
    assert statuses == [404, 405, 400, 400, 400]
    assert [entry.status for entry in server.ledger] == statuses


async def test_the_hash_ignores_what_changes_between_two_sendings_of_one_prompt() -> None:
    def sent(call_id: str, argument: str) -> dict[str, object]:
        call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": argument}}
        history = [
            *BODY["messages"],
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": "7"},
        ]
        return {**BODY, "messages": history, "user": call_id}

    async with ScriptedProvider() as server, httpx2.AsyncClient(base_url=server.url) as client:
        for body in (
            sent("a", "{}"),
            sent("b", "{}"),
            sent("a", '{"id": 1}'),
            {**sent("a", "{}"), "model": "n"},
        ):
            await client.post("/v1/chat/completions", json=body)
    hashes = [entry.prompt_hash for entry in server.ledger]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


async def test_a_body_over_the_limit_is_refused() -> None:
    limits = Limits(body_bytes=1000)
    async with ScriptedProvider(limits=limits) as server, httpx2.AsyncClient(base_url=server.url) as client:
        response = await client.post("/v1/chat/completions", json={**BODY, "user": "x" * 100_000})
        assert response.status_code == 413
        assert (await client.post("/v1/chat/completions", json=BODY)).status_code == 200
    assert len(server.ledger) == 1


async def test_a_connection_over_the_limit_is_refused() -> None:
    async with ScriptedProvider(limits=Limits(connections=1)) as server:
        async with httpx2.AsyncClient(base_url=server.url) as first, httpx2.AsyncClient() as second:
            assert (await first.post("/v1/chat/completions", json=BODY)).status_code == 200
            refused = await second.post(f"{server.url}/v1/chat/completions", json=BODY)
        assert refused.status_code == 503
        assert "Too many connections" in refused.text


async def test_a_full_ledger_refuses_what_it_could_not_remember() -> None:
    limits = Limits(ledger_entries=1)
    async with ScriptedProvider(limits=limits) as server, httpx2.AsyncClient(base_url=server.url) as client:
        statuses = [(await client.post("/v1/chat/completions", json=BODY)).status_code for _ in range(2)]
    assert statuses == [200, 503]
    assert len(server.ledger) == 1


async def test_the_end_of_the_server_ends_open_connections_at_once() -> None:
    async with ScriptedProvider([Rule(Reply(Text("x"), delay_s=60))]) as server:
        asked = asyncio.create_task(ask(server, CHAT, timeout_s=60))
        await until(lambda: bool(server.ledger))
        started_at = time.monotonic()
    assert time.monotonic() - started_at < 2
    with pytest.raises(Exception, match=r"(?i)connect"):
        await asked
    assert not server.ledger[0].is_complete


async def test_as_a_process_it_prints_its_url_and_its_ledger_knows_a_request_before_the_answer(
    tmp_path: Path,
) -> None:
    script, ledger = tmp_path / "script.json", tmp_path / "ledger.jsonl"
    held = Rule(Reply(Text("late"), delay_s=60), Match(contains=("hold",)))
    script.write_text(dump_script(Script((held,), default=Reply(Text("from another process")))))
    command = ("-m", "tegu.testing.scripted", "--script", str(script), "--ledger", str(ledger))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        url = (await process.stdout.readline()).decode().strip()
        async with httpx2.AsyncClient(base_url=url) as client:
            reply = (await client.post("/v1/chat/completions", json=BODY)).json()
            assert reply["choices"][0]["message"]["content"] == "from another process"
            body = {**BODY, "messages": [{"role": "user", "content": "hold"}]}
            with pytest.raises(httpx2.ReadTimeout):
                await client.post("/v1/chat/completions", json=body, timeout=0.3)
        assert [(e.number, e.status, e.is_complete) for e in read_ledger(ledger)] == [
            (1, 200, True),
            (2, None, False),
        ]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    events = [json.loads(line)["event"] for line in ledger.read_text().splitlines()]
    assert events[:3] == ["arrived", "answered", "arrived"]


async def test_a_wrong_script_file_ends_the_process_with_one_line(tmp_path: Path) -> None:
    command = ("-m", "tegu.testing.scripted", "--script", str(tmp_path / "absent.json"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.PIPE, env={**os.environ}
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().count("\n") == 1
    assert "absent.json" in errors.decode()
