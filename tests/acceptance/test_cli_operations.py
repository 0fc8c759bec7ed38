"""A worker as it is operated: its log as JSON lines, its figures over HTTP, its spans at a collector; and `tegu status`."""

import asyncio
import json
import signal
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from command_line import begin, end, tegu
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WAIT_S = 60.0


class Collector:
    """Takes spans as OTLP over HTTP, as a real one does."""

    def __init__(self) -> None:
        received: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                """Nothing: a test is silent."""

        self._received = received
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def span_names(self) -> list[tuple[str, str]]:
        """(service, span) of everything that came."""
        found: list[tuple[str, str]] = []
        for body in self._received:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {each.key: each.value.string_value for each in resource.resource.attributes}
                found += [
                    (names["service.name"], span.name)
                    for scope in resource.scope_spans
                    for span in scope.spans
                ]
        return found


@pytest.fixture
def collector() -> Generator[Collector]:
    made = Collector()
    yield made
    made.close()


async def test_a_worker_logs_json_serves_its_figures_and_sends_its_spans(
    process_environment: dict[str, str], collector: Collector, tmp_path: Path
) -> None:
    environment = process_environment | {"TEGU_MODEL": "rules"}
    telling = environment | {"TEGU_LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    worker = await begin(telling, "worker", "--concurrency", "5", "--metrics", "0")
    assert worker.stderr is not None
    lines: list[dict[str, Any]] = []

    async def until_it_says(text: str) -> dict[str, Any]:
        assert worker.stderr is not None
        async with asyncio.timeout(WAIT_S):
            while True:
                lines.append(json.loads(await worker.stderr.readline()))  # every line is JSON
                if text in lines[-1]["message"]:
                    return lines[-1]

    url = (await until_it_says("Metrics at"))["message"].split()[2].removesuffix("/metrics,")
    invoice = tmp_path / "invoice.txt"
    invoice.write_text("Invoice number: INV-7. Total: EUR 12.00.")
    started = await tegu(environment, "start", "document_extraction", invoice, "--json")
    assert started.code == 0, started.err
    ended = await until_it_says("run completed")
    assert (ended["logger"], ended["level"], ended["status"]) == ("tegu.worker", "info", "completed")
    assert ended["run_id"] in started.out

    async with httpx.AsyncClient(base_url=url) as http:
        figures = (await http.get("/metrics")).text
        health = (await http.get("/health")).json()
    assert 'tegu_stage_duration_seconds_count{kind="extract",outcome="completed"} 1.0' in figures
    assert 'tegu_events_total{event="run.completed"} 1.0' in figures
    assert "tegu_worker_slots 5.0" in figures
    assert "process_cpu_seconds_total" in figures
    assert (health["status"], health["worker"]) == ("ok", {"runs": 0, "slots": 5})
    assert health["installation"]["workers"] == {"alive": 1, "slots": 5, "slots_used": 0}

    status = await tegu(environment, "status", "--json")
    assert status.code == 0
    assert status.json["installation"]["workers"][0]["concurrency"] == 5
    assert status.json["installation"]["backlog"]["due"] == 0
    shown = await tegu(environment, "status")
    assert "1 alive, 0 of 5 slots in use" in shown.out

    worker.send_signal(signal.SIGTERM)
    over = await end(worker)
    assert over.code == 0
    said = [json.loads(line)["message"] for line in over.err.splitlines()]
    assert said[-1] == "Every run is handed back."
    assert ("tegu", "tegu.stage extract") in collector.span_names()  # sent at the end at the latest


async def test_an_address_that_cannot_be_listened_at_is_a_sentence(
    process_environment: dict[str, str],
) -> None:
    wrong = await tegu(process_environment, "worker", "--metrics", "nowhere")
    assert (wrong.code, wrong.error) == (2, "'nowhere' is no address to listen at")


async def test_a_wrong_log_format_is_a_sentence_with_the_values_that_there_are(
    process_environment: dict[str, str],
) -> None:
    wrong = await tegu(process_environment | {"TEGU_LOG_FORMAT": "xml"}, "workers")
    assert (wrong.code, wrong.error, wrong.hint) == (4, "TEGU_LOG_FORMAT is 'xml'", "one of text, json")
