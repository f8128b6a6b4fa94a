"""Events at a topic exchange: with a real RabbitMQ, and what the cursor does when there is none."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env
from kombu import Connection, Exchange, Queue

from applications import events
from applications.delivery import broadcasting
from applications.models import Watermark
from iam_portal import unsafe_links
from iam_portal.broadcast import Broadcast, read
from tenants.models import Tenant
from tests.applications.receiving import Clock, happens
from tests.drills.servers import RabbitMQ, free_port
from tests.support.absence import lacking
from tests.support.factories import make_tenant

NAME = "events-of-the-test"
Binding = Callable[[str], "Bound"]


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    if not RabbitMQ.installed():
        lacking("RabbitMQ is not installed (Debian: rabbitmq-server)")
    with RabbitMQ(tmp_path_factory.mktemp("rabbit") / "rabbitmq.log") as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def acme(db: None, clock: Clock) -> Tenant:
    return make_tenant("acme", at=clock.now)


@pytest.fixture
def beta(acme: Tenant, clock: Clock) -> Tenant:
    return make_tenant("beta", at=clock.now)


class Bound:
    """A consumer's queue at the exchange, of its own name."""

    def __init__(self, url: str, binding: str) -> None:
        self.connection = Connection(url)
        exchange = Exchange(NAME, type="topic", durable=True)
        queue = Queue("", exchange, routing_key=binding, exclusive=True)
        self.queue = queue.bind(self.connection.default_channel)
        self.queue.declare()

    def got(self) -> list[Any]:
        found = []
        while (message := self.queue.get(no_ack=True)) is not None:
            found.append(message)
        return found


@pytest.fixture
def bound(rabbit: RabbitMQ) -> Iterator[Binding]:
    made: list[Bound] = []

    def bind(binding: str) -> Bound:
        made.append(Bound(rabbit.url(), binding))
        return made[-1]

    yield bind
    for each in made:
        each.connection.release()


def configured(settings: Any, url: str, *tenants: Tenant) -> None:
    settings.PORTAL_AMQP = Broadcast(url, NAME, frozenset(tenant.pk for tenant in tenants))


def turn(clock: Clock) -> int:
    events.sequence()
    clock.move(seconds=1)
    return broadcasting.publish(at=clock())


def lost_port() -> str:
    return f"amqp://guest:guest@127.0.0.1:{free_port()}//"


# --- with a broker -------------------------------------------------------------------------------------


def test_events_arrive_in_order_under_their_keys(
    rabbit: RabbitMQ, acme: Tenant, beta: Tenant, clock: Clock, settings: Any, bound: Binding
) -> None:
    configured(settings, rabbit.url())
    happens(acme, clock(), "contract.accepted")
    assert turn(clock) == 0, "what was before is not told"
    everything = bound("#")
    contracts = bound("iam.contract.#")
    betas = bound(f"#.{beta.pk}")
    for tenant, type in ((acme, "contract.accepted"), (beta, "role.changed"), (acme, "contract.paused")):
        happens(tenant, clock(), type)
    assert turn(clock) == 3
    assert turn(clock) == 0
    messages = everything.got()
    bodies = [json.loads(message.body) for message in messages]
    assert [body["type"] for body in bodies] == [
        *("iam.contract.accepted.v1", "iam.role.changed.v1", "iam.contract.paused.v1")
    ]
    assert [body["position"] for body in bodies] == sorted(body["position"] for body in bodies)
    first = messages[0]
    assert first.delivery_info["routing_key"] == f"iam.contract.accepted.{acme.pk}"
    assert first.properties["message_id"] == bodies[0]["id"]
    assert first.properties["delivery_mode"] == 2
    assert first.content_type == "application/cloudevents+json"
    assert [len(bound.got()) for bound in (contracts, betas)] == [2, 1]


def test_only_those_that_the_operator_chose(
    rabbit: RabbitMQ, acme: Tenant, beta: Tenant, clock: Clock, settings: Any, bound: Binding
) -> None:
    configured(settings, rabbit.url(), beta)
    turn(clock)
    queue = bound("#")
    for tenant in (acme, beta, acme):
        happens(tenant, clock())
    assert turn(clock) == 1
    assert [json.loads(message.body)["tenantid"] for message in queue.got()] == [str(beta.pk)]
    assert broadcasting.behind() == 0


def test_nothing_is_lost_while_the_broker_is_away(
    rabbit: RabbitMQ, acme: Tenant, clock: Clock, settings: Any, bound: Binding
) -> None:
    configured(settings, lost_port())
    assert turn(clock) == 0
    for _ in range(3):
        happens(acme, clock())
    assert turn(clock) == 0
    assert broadcasting.behind() == 3
    queue = bound("#")
    configured(settings, rabbit.url())
    assert turn(clock) == 0, "it waits after a failure"
    clock.move(seconds=30)
    assert turn(clock) == 3
    positions = [json.loads(message.body)["position"] for message in queue.got()]
    assert len(positions) == 3
    assert positions == sorted(positions)


def test_what_was_confirmed_is_noted_when_the_rest_fails(
    rabbit: RabbitMQ,
    acme: Tenant,
    clock: Clock,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    bound: Binding,
) -> None:
    configured(settings, rabbit.url())
    turn(clock)
    queue = bound("#")
    for _ in range(3):
        happens(acme, clock())
    send, sent = broadcasting._send, []

    def breaks(producer: Any, row: Any) -> None:
        if len(sent) == 2:
            raise ConnectionResetError("amqp://user:secret@broker")
        sent.append(row)
        send(producer, row)

    monkeypatch.setattr(broadcasting, "_send", breaks)
    assert turn(clock) == 2
    monkeypatch.setattr(broadcasting, "_send", send)
    clock.move(seconds=30)
    assert turn(clock) == 1
    assert len({message.properties["message_id"] for message in queue.got()}) == 3


# --- without one ---------------------------------------------------------------------------------------


def test_it_is_off_without_an_address(acme: Tenant, clock: Clock) -> None:
    happens(acme, clock())
    assert turn(clock) == 0
    assert not Watermark.objects.filter(name=broadcasting.NAME).exists()


def test_one_worker_has_its_turn_and_a_dead_ones_turn_ends(
    acme: Tenant, clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(settings, lost_port())
    turn(clock)
    happens(acme, clock())
    inner: list[int] = []

    def meanwhile(rows: Any) -> tuple[int, bool]:
        inner.append(broadcasting.publish(at=clock()))
        raise KeyboardInterrupt  # the worker dies with the batch in hand

    monkeypatch.setattr(broadcasting, "_sent", meanwhile)
    with pytest.raises(KeyboardInterrupt):
        turn(clock)
    assert inner == [0]
    monkeypatch.setattr(broadcasting, "_sent", lambda rows: (len(rows), False))
    assert turn(clock) == 0, "it may live yet"
    clock.now += broadcasting.LEASE
    assert turn(clock) == 1


def test_what_is_kept_no_longer_is_said_to_be_lost(
    acme: Tenant,
    clock: Clock,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configured(settings, lost_port())
    turn(clock)
    happens(acme, clock())
    while events.prune(before=clock.now + timedelta(days=1), at=clock.now):
        pass
    monkeypatch.setattr(broadcasting, "_sent", lambda rows: (len(rows), False))
    assert turn(clock) == 0
    assert broadcasting.behind() == 0
    assert "amqp_events_lost" in caplog.text


def test_no_password_reaches_a_log(
    acme: Tenant, clock: Clock, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configured(settings, f"amqp://user:pass-word@127.0.0.1:{free_port()}//")
    turn(clock)
    happens(acme, clock())
    turn(clock)
    assert "amqp_failed" in caplog.text
    assert "pass-word" not in caplog.text + repr(settings.PORTAL_AMQP)


@pytest.mark.parametrize(
    "wrong",
    [{"PORTAL_AMQP_URL": "redis://x"}, {"PORTAL_AMQP_URL": "amqp://x", "PORTAL_AMQP_TENANTS": "acme"}],
)
def test_a_malformed_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refused:
        read(Env())
    assert "PORTAL_AMQP" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("", True),
        ("amqps://iam:secret@mq.example.com/", True),
        ("amqp://iam:secret@mq.internal/", True),
        ("amqp://iam:secret@mq.example.com/", False),
        ("amqps://guest:guest@mq.example.com/", False),
        ("amqp://mq.internal/", False),
    ],
)
def test_an_open_exchange_is_refused_at_deployment(settings: Any, url: str, safe: bool) -> None:
    settings.PORTAL_AMQP = Broadcast(url)
    assert [error.id for error in unsafe_links.open_exchange(None)] == ([] if safe else ["iam.E039"])
