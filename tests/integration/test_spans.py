"""Spans, as an exporter sees them: stages, and calls to models by the conventions for generative AI."""

import json
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tegu.app import Tegu
from tegu.domain.errors import TeguError
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.telemetry import spans
from tegu.testing.scripted.script import Fault, Script
from tegu.testing.scripted.server import ScriptedServer

INVOICE = "Invoice number: INV-7. Total: EUR 12.00."
