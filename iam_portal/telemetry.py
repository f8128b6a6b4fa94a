"""Traces of requests, tasks and statements for a collector of OpenTelemetry, where one is named.

``OTEL_EXPORTER_OTLP_ENDPOINT`` switches it on; its packages are the extra ``tracing``. A span says what the
line in the log says (route, status, tenant and actor by their ids) and the text of statements, whose values
stand beside it: no address, body, parameter or text of an exception, for these hold what is secret.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import structlog
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

log = structlog.get_logger("iam.tracing")

Noted = dict[str, Any]
SERVER, CONSUMER, CLIENT = "server", "consumer", "client"
LONGEST = 1_000  # characters of a statement


class Sender(Protocol):
    """What sends spans; ``noted`` is read when the span ends, and ``name`` in it renames the span."""

    def span(
        self, name: str, *, kind: str, carrier: Mapping[str, str] | None, noted: Noted
    ) -> AbstractContextManager[None]: ...

    def over(self, name: str, *, seconds: float, noted: Noted, carrier: Mapping[str, str]) -> None: ...

    def carried(self) -> dict[str, str]: ...


class _Line:
    sender: Sender | None = None


def begin() -> None:
    """In each process, when its applications are loaded."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        use(import_string("iam_portal.telemetry_otlp.OtlpSender")())
    except ImportError:
        log.warning("tracing_not_installed", extra="tracing")


def use(sender: Sender | None) -> None:
    """From here on; None: no more."""
    _Line.sender = sender
    if sender is not None:
        connection_created.connect(_watch, dispatch_uid="iam.tracing")


@contextmanager
def span(name: str, *, kind: str, carrier: Mapping[str, str] | None = None) -> Iterator[Noted]:
    """All of the block. ``carrier`` holds the ``traceparent`` (W3C Trace Context) of whoever caused it."""
    noted: Noted = {}
    if _Line.sender is None:
        yield noted
        return
    with _Line.sender.span(name, kind=kind, carrier=carrier, noted=noted):
        yield noted


def is_on() -> bool:
    """Asked where even an empty block would cost too much."""
    return _Line.sender is not None


def answered_shortly(route: str, *, begun: float, noted: Noted, traceparent: str) -> None:
    """A request that was answered below the framework, from ``begun`` (of the performance counter) to now."""
    if _Line.sender is not None:
        seconds = time.perf_counter() - begun
        carrier = {"traceparent": traceparent}
        _Line.sender.over(f"POST {route}", seconds=seconds, noted=noted, carrier=carrier)


def carried() -> dict[str, str]:
    """What goes with a task, so that its span belongs to that of its request."""
    return {} if _Line.sender is None else _Line.sender.carried()


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement)


def _statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    text = str(sql)[:LONGEST]
    word = text.split(None, 1)[0].upper() if text.strip() else "SQL"
    with span(word, kind=CLIENT) as noted:
        noted["db.system.name"], noted["db.query.text"] = "postgresql", text
        return execute(sql, params, many, context)
