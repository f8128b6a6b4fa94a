"""The sender of spans by OTLP over HTTP. Imported only where it is wanted: its libraries are an extra."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from iam_portal.telemetry import CLIENT, CONSUMER, SERVER, Noted

_KINDS = {SERVER: SpanKind.SERVER, CONSUMER: SpanKind.CONSUMER, CLIENT: SpanKind.CLIENT}


class OtlpSender:
    """Addresses, headers and sampling are the ``OTEL_…`` variables, as its specification names them."""

    def __init__(self, processor: SpanProcessor | None = None) -> None:
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "iam-portal"}
        self.provider = TracerProvider(resource=Resource.create(named))
        self.provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("iam_portal")
        self._parents = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, *, kind: str, carrier: Mapping[str, str] | None, noted: Noted
    ) -> Iterator[None]:
        """Of what an exception says only its class is told: texts repeat what was sent."""
        parent = None if carrier is None else self._parents.extract(carrier)
        quiet: Any = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(name, parent, _KINDS[kind], **quiet) as made:
            if kind != CLIENT:
                trace_id = f"{made.get_span_context().trace_id:032x}"
                structlog.contextvars.bind_contextvars(trace_id=trace_id)
            try:
                yield
            except Exception as fault:
                made.set_status(Status(StatusCode.ERROR, type(fault).__name__))
                raise
            finally:
                _describe(made, noted)

    def over(self, name: str, *, seconds: float, noted: Noted, carrier: Mapping[str, str]) -> None:
        """One that has ended just now."""
        ended = time.time_ns()
        begun = ended - int(seconds * 1e9)
        made = self._tracer.start_span(
            name, self._parents.extract(carrier), SpanKind.SERVER, start_time=begun
        )
        _describe(made, noted)
        made.end(ended)

    def carried(self) -> dict[str, str]:
        """The present span, as a header."""
        found: dict[str, str] = {}
        self._parents.inject(found)
        return found


def _describe(made: Span, noted: Noted) -> None:
    if "name" in noted:
        made.update_name(str(noted.pop("name")))
    made.set_attributes({name: value for name, value in noted.items() if value not in ("", None)})
    if noted.get("http.response.status_code", 0) >= 500:
        made.set_status(Status(StatusCode.ERROR))
