"""Metrics of this process: who waits here, and what its pages cost."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from iam_portal import exposition
from iam_portal.live import wire
from iam_portal.live.wire import Asked

if TYPE_CHECKING:  # the service answers by this module
    from iam_portal.live.streams import Service


class Here(Collector):
    """What the service knows without asking anybody."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        service = self._service
        yield _one("iam_live_waiting", "Who waits for events at this process.", service.waiting)
        yield _one("iam_live_connections", "Its open connections.", len(service.connections))
        yield _one("iam_live_listening", "1 while it listens to the database.", int(service.hub.listening))


def answer(asked: Asked, service: "Service") -> bytes:
    """As the web answers ``/metrics``, to who shows the same token."""
    status = HTTPStatus(exposition.access(asked.fields.get("authorization", "")))
    fields = [("Content-Type", exposition.CONTENT_TYPE), ("X-Content-Type-Options", "nosniff")]
    if status == HTTPStatus.UNAUTHORIZED:
        fields.append(("WWW-Authenticate", 'Bearer realm="metrics"'))
    body = exposition.text([Here(service)]) if status == HTTPStatus.OK else b""
    return wire.reply(status, fields, body)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)
