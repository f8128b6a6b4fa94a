"""What is counted and logged of tokens and their introspection: alike on both ways, and of nobody by name."""

import json
import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from prometheus_client import REGISTRY
from structlog.contextvars import clear_contextvars

from accesscontrol.oauth.short.saying import LINES
from iam_portal.logs import Lines
from tests.accesscontrol.oauth.changing import METER, READER
from tests.accesscontrol.oauth.conftest import World
from tests.support.shortened import ThroughWsgi, short_way

pytestmark = pytest.mark.one_way  # what one request counts

WRONG = "no-secret-of-anybody"


def refused(world: World) -> None:
    with mock.patch.dict(world.secrets, {READER: WRONG}):
        assert world.token(READER, world.globex, "aud:acme.meter").status_code == 401


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def counts() -> dict[str, float]:
    return {
        "issued": value("iam_token_requests_total", outcome="issued", reason=""),
        "refused": value("iam_token_requests_total", outcome="refused", reason="invalid_client"),
        "answers": value("iam_http_requests_total", area="token", status="200"),
        "short": value("iam_http_request_seconds_count", area="token", way="short"),
        "long": value("iam_http_request_seconds_count", area="token", way="long"),
        "decided": value("iam_decision_seconds_count", door="token"),
        "built": value("iam_short_way_leavings_total", kind="token", outcome="built"),
        "active": value("iam_introspections_total", outcome="active"),
        "inactive": value("iam_introspections_total", outcome="inactive"),
    }


class Counted:
    """The difference that a block makes."""

    def __enter__(self) -> "Counted":
        self._before = counts()
        return self

    def __exit__(self, *_: object) -> None:
        self.of = {
            name: after - self._before[name]
            for name, after in counts().items()
            if after != self._before[name]
        }


class Kept(logging.Handler):
    """The lines as they are written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._lines: list[dict[str, Any]] = []

    @property
    def lines(self) -> list[dict[str, Any]]:
        LINES.flush()
        return self._lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines += map(json.loads, self.format(record).splitlines())


@pytest.fixture
def written() -> Iterator[Kept]:
    (formatter,) = (
        handler.formatter for handler in logging.getLogger().handlers if isinstance(handler.formatter, Lines)
    )
    assert formatter is not None
    kept, logger = Kept(formatter), logging.getLogger("iam.request")
    level, disabled = logger.level, logger.disabled
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    logger.disabled = False
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(level)
    logger.disabled = disabled
    clear_contextvars()


def test_tokens_and_introspections_are_counted_on_both_ways(shared: World) -> None:
    shared.browser = ThroughWsgi(short_way())
    with Counted() as first:
        token = shared.token(READER, shared.globex, "aud:acme.meter").json()["access_token"]
    assert first.of == {"issued": 1, "answers": 1, "long": 1, "decided": 1}
    with Counted() as second:
        shared.token(READER, shared.globex, "aud:acme.meter")
    assert second.of == {"issued": 1, "answers": 1, "short": 1, "decided": 1, "built": 1}
    with Counted() as third:
        shared.token(READER, shared.globex, "aud:acme.meter")
    assert third.of == {"issued": 1, "answers": 1, "short": 1}, "what is kept is not decided"
    with Counted() as wrong:
        refused(shared)
    assert wrong.of == {"refused": 1, "long": 1}
    with Counted() as judged:
        for _ in range(3):
            assert shared.introspect(METER, shared.globex, token).json()["active"]
        shared.introspect(METER, shared.globex, "nonsense")
    assert judged.of == {"active": 3, "inactive": 1}


def test_both_ways_write_the_same_line(shared: World, written: Kept) -> None:
    shared.browser = ThroughWsgi(short_way())
    for _ in range(3):
        shared.token(READER, shared.globex, "aud:acme.meter")
    lines = [{**line, "ms": 0, "timestamp": "", "request_id": ""} for line in written.lines]
    assert lines[0] == lines[1] == lines[2]
    assert lines[0]["actor"] == f"client:{READER}"
    assert lines[0]["tenant"] == str(shared.globex.id)
    assert (lines[0]["status"], lines[0]["level"]) == (200, "info")


def test_who_asks_stands_in_the_line_and_what_he_shows_does_not(shared: World, written: Kept) -> None:
    token = shared.token(READER, shared.globex, "aud:acme.meter").json()["access_token"]
    shared.introspect(METER, shared.globex, token)
    refused(shared)
    asked, introspected, stranger = written.lines
    assert (asked["actor"], introspected["actor"]) == (f"client:{READER}", f"client:{METER}")
    assert "actor" not in stranger, "nobody has proved anything"
    for secret in (token, WRONG, "aud:acme.meter"):
        assert secret not in json.dumps(written.lines)
