"""Sends spans away, where the environment says where to: the standard variables of OpenTelemetry, over OTLP by HTTP.

Called around every command. Invariants: where nothing is said, or the program has a tracer provider already, nothing is
done; a collector that does not answer costs spans, and a few seconds at the end, never work.
"""

import logging
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread

from tegu.telemetry import spans

log = logging.getLogger("tegu.tracing")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_LAST_S = 3.0
"""For sending the last spans, when the command is over."""


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the operator asks for spans: by naming the exporter, or else by saying where a collector is."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    named = [each.strip() for each in environment.get("OTEL_TRACES_EXPORTER", "").split(",") if each.strip()]
    return "otlp" in named if named else any(environment.get(name) for name in _ENDPOINTS)


@contextmanager
def tracing(environment: Mapping[str, str] | None = None) -> Generator[None]:
    """Spans are sent for as long as this lasts."""
    env = os.environ if environment is None else environment
    if not is_wanted(env) or spans.is_on():
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import set_tracer_provider
    except ImportError as error:
        log.warning("spans are not sent, %s is not installed: pip install 'tegu[otel]'", error.name)
        yield
        return
    protocol = next((env[name] for name in _PROTOCOLS if env.get(name)), None)
    if protocol not in {None, "http/protobuf"}:
        log.warning("spans are sent by http/protobuf: %r is not spoken", protocol)
    is_named = env.get("OTEL_SERVICE_NAME") or "service.name=" in env.get("OTEL_RESOURCE_ATTRIBUTES", "")
    about = {"service.version": version("tegu")} | ({} if is_named else {"service.name": "tegu"})
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    set_tracer_provider(provider)
    try:
        yield
    finally:
        last = Thread(target=provider.shutdown, name="tegu-last-spans", daemon=True)
        last.start()
        last.join(_LAST_S)
