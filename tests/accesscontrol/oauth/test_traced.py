"""Spans for a collector: of both ways to a token, of statements and tasks, with nothing secret in them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client as Browser
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from iam_portal import telemetry
from iam_portal.telemetry_otlp import OtlpSender
from tenants.jobs import erase_late
from tests.accesscontrol.oauth.changing import READER
from tests.accesscontrol.oauth.conftest import World
from tests.support.shortened import ThroughWsgi, short_way

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    found = InMemorySpanExporter()
    telemetry.use(OtlpSender(SimpleSpanProcessor(found)))
    telemetry._watch(connection)
    yield found
    telemetry.use(None)
    connection.execute_wrappers.remove(telemetry._statement)


def requests_of(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name.startswith(("POST", "GET"))]


def test_both_ways_to_a_token_tell_the_same(shared: World, spans: InMemorySpanExporter) -> None:
    shared.browser = ThroughWsgi(short_way())
    shared.browser.defaults["HTTP_TRACEPARENT"] = CALLER
    tokens = [shared.token(READER, shared.globex, "aud:acme.meter").json()["access_token"] for _ in range(3)]
    told = [
        (span.name, {**(span.attributes or {}), "iam.request_id": ""}, span.kind, span.context.trace_id)
        for span in requests_of(spans)
    ]
    assert told[0] == told[1] == told[2]
    assert told[0][1]["iam.actor"] == f"client:{READER}"
    assert told[0][3] == int(CALLER.split("-")[1], 16), "the caller's trace goes on"
    written = "".join(span.to_json() for span in spans.get_finished_spans())
    for secret in (*tokens, shared.secrets[READER], "aud:acme.meter"):
        assert secret not in written


def test_statements_are_told_without_their_values(shared: World, spans: InMemorySpanExporter) -> None:
    Browser().get("/nowhere/very-secret-code")
    shared.browser = Browser()
    shared.browser.get(f"/iam/auth/realms/{shared.globex.id}/.well-known/openid-configuration")
    first, second = requests_of(spans)
    assert first.name == "GET", "what is nowhere is not told by its address"
    statements = [span for span in spans.get_finished_spans() if span.kind.name == "CLIENT"]
    assert {span.parent.span_id for span in statements if span.parent} == {second.context.span_id}
    written = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "very-secret-code" not in written
    assert "tenants_tenant" in written
    assert not any(
        str(shared.globex.id) in str((span.attributes or {})["db.query.text"]) for span in statements
    )


def test_what_breaks_tells_its_class_alone(db: None, spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="very-secret"), telemetry.span("x", kind=telemetry.SERVER):
        raise ValueError("very-secret")
    [span] = spans.get_finished_spans()
    assert (span.status.is_ok, span.status.description, span.events) == (False, "ValueError", ())


def test_a_task_belongs_to_its_request(db: None, spans: InMemorySpanExporter) -> None:
    with telemetry.span("GET x", kind=telemetry.SERVER):
        headers = telemetry.carried()
    erase_late.apply(headers=headers)
    by_name = {span.name: span for span in spans.get_finished_spans()}
    assert by_name["tenants.erase_late"].context.trace_id == by_name["GET x"].context.trace_id


def test_nothing_is_told_where_no_collector_is_named(db: None) -> None:
    telemetry.begin()
    assert not telemetry.is_on()
    with telemetry.span("x", kind=telemetry.SERVER) as noted:
        assert noted == {}
    assert telemetry.carried() == {}


def test_a_collector_is_sent_them_by_otlp(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[tuple[str, str]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Content-Type"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        try:
            telemetry.begin()
            sender = telemetry._Line.sender
            assert isinstance(sender, OtlpSender)
            with telemetry.span("x", kind=telemetry.SERVER):
                pass
            sender.provider.force_flush()
            sender.provider.shutdown()
        finally:
            telemetry.use(None)
            server.shutdown()
    assert got == [("/v1/traces", "application/x-protobuf")]


def test_without_the_extra_the_portal_starts_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with (
        mock.patch.object(telemetry, "import_string", side_effect=ImportError),
        mock.patch.object(telemetry, "log") as log,
    ):
        telemetry.begin()
    assert log.warning.call_args.args == ("tracing_not_installed",)
    assert not telemetry.is_on()
