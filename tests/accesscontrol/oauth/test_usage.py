"""Tokens are counted beside the token path: by contract, caller and target; never an error, never a wait."""

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.oauth import exchange
from applications.actions import counting
from applications.models import ContractUsage, UsageBatch
from applications.usage import Batch, Buffer, Line, Use, last_used
from applications.usage import buffer as module
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.accesscontrol.oauth.conftest import World, said
from tests.support.factories import SYSTEM

pytestmark = pytest.mark.one_way  # what one request counts

METER, READER = "acme.meter", "globex.reader"


class Broker:
    """What was sent; ``away`` refuses, ``mute`` takes it and cannot say so."""

    def __init__(self) -> None:
        self.taken: list[Batch] = []
        self.away = self.mute = False

    @property
    def lines(self) -> list[Line]:
        """Of all batches."""
        return [line for batch in self.taken for line in batch.lines]

    def send(self, batch: Batch) -> None:
        if self.away:
            raise ConnectionRefusedError
        self.taken.append(batch)
        if self.mute:
            raise ConnectionResetError


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def counted(broker: Broker, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Buffer]:
    """The buffer of this process, flushed by hand."""
    settings.USAGE_FLUSH_SECONDS = 3600
    made = Buffer(broker.send, most=3)
    monkeypatch.setattr(module, "_BUFFER", made)
    yield made
    made.beside.stop()


def uses(broker: Broker, counted: Buffer) -> dict[tuple[Any, ...], int]:
    """(contract, tenant, caller, target) → tokens."""
    counted.flush()
    found: Counter[tuple[Any, ...]] = Counter()
    for line in broker.lines:
        found[tuple(line[:4])] += line[5]
    return found


def taken(lines: list[Line], *, at: datetime) -> int:
    """As a message that comes for the first time."""
    return counting.count(rows=lines, batch=uuid4(), at=at)


def contracts_of(world: World) -> set[str]:
    return {str(pk) for pk in world.globex.contracts_received.values_list("id", flat=True)}


def test_each_token_counts_for_the_contract_of_its_role(
    shared: World, broker: Broker, counted: Buffer
) -> None:
    for _ in range(2):
        assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200
    [contract_id] = contracts_of(shared)
    expected = {(contract_id, str(shared.globex.id), READER, METER): 2}
    assert uses(broker, counted) == expected
    assert counted.flush() == 0

    for _ in range(2):
        taken(broker.lines, at=shared.clock.at)
    with tenant_scope(shared.globex.id):
        row = ContractUsage.objects.get()
    assert (row.tokens, row.last_used_at, row.day) == (4, shared.clock.at, shared.clock.at.date())
    call = (shared.globex.id, READER, METER)
    with tenant_scope(shared.globex.id):
        assert last_used([call, (shared.acme.id, READER, METER)]) == {call: shared.clock.at}
        assert last_used([]) == {}
    with tenant_scope(shared.acme.id):
        assert last_used([call]) == {}, "behind the wall"


def test_owned_targets_count_without_a_contract(shared: World, broker: Broker, counted: Buffer) -> None:
    answer = shared.token("neighbour.reader", shared.neighbour, "aud:neighbour.meter")
    assert answer.status_code == 200
    tenant_id = str(shared.neighbour.id)
    assert uses(broker, counted) == {(None, tenant_id, "neighbour.reader", "neighbour.meter"): 1}
    taken(broker.lines, at=shared.clock.at)
    taken(broker.lines, at=shared.clock.at)
    with tenant_scope(tenant_id):
        assert ContractUsage.objects.get(contract=None).tokens == 2


def test_every_contract_that_grants_the_role_is_used(shared: World, broker: Broker, counted: Buffer) -> None:
    shared.share(shared.acme, shared.globex, (METER, "viewer"))
    other = shared.share(shared.acme, shared.globex, (METER, "editor"))
    shared.token(READER, shared.globex, f"aud:{METER}")
    found = {key[0] for key in uses(broker, counted)}
    assert found == contracts_of(shared) - {str(other.id)}


def test_a_role_by_access_counts_for_the_access_contract(
    shared: World, broker: Broker, counted: Buffer
) -> None:
    row = shared.share(shared.acme, shared.globex, (METER, "viewer"), type="access")
    shared.assign(shared.globex, READER, METER, contract_id=row.id)
    assert shared.token(READER, shared.acme, f"aud:{METER}").status_code == 200
    assert set(uses(broker, counted)) == {(str(row.id), str(shared.acme.id), READER, METER)}


def test_a_role_of_the_tenants_own_making_counts_for_what_it_rests_on(
    shared: World, broker: Broker, counted: Buffer
) -> None:
    _own_role(shared, shared.globex)
    assert shared.token("globex.planner", shared.globex, f"aud:{METER}").status_code == 200
    assert {key[0] for key in uses(broker, counted)} == contracts_of(shared)


def _own_role(world: World, tenant: Tenant) -> None:
    world.application(tenant, "planner")
    definition = Definition(
        key="night", name="Night", description="", permissions=[(METER, "urn:test", "machines", "read")]
    )
    tenant_roles.define(tenant=tenant, definition=definition, by=SYSTEM, at=world.clock.at)
    world.assign(tenant, "globex.planner", None, "night")  # type: ignore[arg-type]


def test_a_refusal_counts_nothing(shared: World, broker: Broker, counted: Buffer) -> None:
    assert said(shared.token(READER, shared.globex, "aud:acme.nothing"))
    assert uses(broker, counted) == {}


def test_with_the_broker_away_tokens_are_given_and_counts_wait(
    shared: World, broker: Broker, counted: Buffer
) -> None:
    broker.away = True
    for _ in range(3):
        assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200
        assert counted.flush() == 0
    broker.away = False
    assert list(uses(broker, counted).values()) == [3]


def test_no_fault_of_counting_reaches_a_token(
    shared: World, broker: Broker, counted: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread to be had, a fault in the buffer, one in what is noted: counted, and tried again."""

    def breaks(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("can't start new thread")

    failed = module.FAILED._value.get()
    for target, name in ((threading.Thread, "start"), (Buffer, "_add"), (exchange, "available")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, breaks)
            if target is exchange:
                _own_role(shared, shared.globex)
            caller = "globex.planner" if target is exchange else READER
            assert shared.token(caller, shared.globex, f"aud:{METER}").status_code == 200
        assert not counted.beside.is_running()
    assert module.FAILED._value.get() - failed == 3
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200
    assert counted.beside.is_running()
    assert list(uses(broker, counted).values()) == [2], "the first was counted, only its thread was missing"


def test_what_a_broker_took_and_could_not_say_so_is_counted_once(
    shared: World, broker: Broker, counted: Buffer
) -> None:
    """It is sent again as it was, under its id; what was counted since goes after it."""
    broker.mute = True
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200
    assert counted.flush() == 0
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200
    broker.mute = False
    assert counted.flush() == 2
    first, again, new = broker.taken
    assert first == again
    assert first.id != new.id
    for batch in broker.taken:
        counting.count(rows=batch.lines, batch=batch.id, at=shared.clock.at)
    with tenant_scope(shared.globex.id):
        assert ContractUsage.objects.get().tokens == 2


def test_what_waits_is_bounded_and_the_oldest_goes(shared: World, broker: Broker, counted: Buffer) -> None:
    dropped = module.DROPPED._value.get()
    broker.away = True
    for number in range(5):
        counted.note([Use(None, "t", f"caller-{number}", "x")], at=shared.clock.at)
        counted.flush()
    broker.away = False
    kept = ["caller-0", "caller-3", "caller-4"]  # the first was tried: nobody knows whether it was taken
    assert [key[2] for key in uses(broker, counted)] == kept
    assert module.DROPPED._value.get() - dropped == 2


def test_a_thread_flushes_and_the_end_of_the_process_does(broker: Broker, shared: World) -> None:
    buffer = Buffer(broker.send)
    buffer.note([Use(None, "t", "x", "a")], at=shared.clock.at)
    buffer.beside.start(3600)
    assert broker.lines == []
    buffer.beside.stop()
    assert len(broker.lines) == 1


def test_a_forked_process_counts_for_itself(broker: Broker, shared: World) -> None:
    buffer = Buffer(broker.send)
    buffer.note([Use(None, "t", "x", "a")], at=shared.clock.at)
    buffer.beside.start(3600)
    child = os.fork()
    if child == 0:  # nothing of the parent's, and a thread that lives
        clean = not buffer._lines
        buffer.beside.start(3600)
        alive = buffer.beside.is_running()
        os._exit(0 if clean and alive else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert buffer.flush() == 1
    buffer.beside.stop()


def test_a_message_that_comes_again_counts_once(shared: World) -> None:
    """As after a worker that died before it could say that it was done."""
    tenant_id, at = str(shared.globex.id), shared.clock.at
    line = [None, tenant_id, READER, METER, at.date().isoformat(), 3, at.isoformat()]
    message = uuid4()
    assert [counting.count(rows=[line], batch=message, at=at) for _ in range(2)] == [1, 0]
    with tenant_scope(tenant_id):
        assert ContractUsage.objects.get().tokens == 3
    later = at + counting.COMES_AGAIN + timedelta(seconds=1)
    assert [counting.forget(at=later), UsageBatch.objects.count()] == [1, 0]


def test_a_line_of_something_that_is_gone_keeps_no_other(shared: World) -> None:
    tenant_id, at = str(shared.globex.id), shared.clock.at.isoformat()
    day = shared.clock.at.date().isoformat()
    good = [None, tenant_id, READER, METER, day, 1, at]
    gone = ["00000000-0000-4000-8000-000000000000", *good[1:]]
    strange = [None, tenant_id, READER, "acme.gone", day, 1, at]
    assert taken([gone, strange, good, good], at=shared.clock.at) == 1
    with tenant_scope(tenant_id):
        assert ContractUsage.objects.get().tokens == 2
    assert taken([], at=shared.clock.at) == 0


def test_days_are_forgotten_after_thirteen_months(shared: World) -> None:
    tenant_id, at = str(shared.globex.id), shared.clock.at
    for days in (0, 390, 400, 401, 402):
        moment = at - timedelta(days=days)
        line = [None, tenant_id, READER, METER, moment.date().isoformat(), 1, moment.isoformat()]
        taken([line], at=at)
    assert [counting.forget(at=at, most=2) for _ in range(3)] == [2, 1, 0], "the oldest first"
    with tenant_scope(tenant_id):
        assert ContractUsage.objects.count() == 2


def test_a_process_of_the_web_server_hands_over_at_its_end() -> None:
    """It is a child by ``multiprocessing``, which ends without `atexit`: each restart would lose counts."""
    alike = multiprocessing.get_context("fork")
    receiver, sender = alike.Pipe(duplex=False)
    use = Use(None, "tenant", METER, READER)

    def serve() -> None:
        made = Buffer(lambda batch: sender.send(batch.lines))
        made.note([use], at=timezone.now())
        made.beside.start(3600)

    child = alike.Process(target=serve)
    child.start()
    child.join(20)

    assert child.exitcode == 0
    assert receiver.poll(0), "nothing was handed over"
    ((*who, _day, tokens, _at),) = receiver.recv()
    assert (who, tokens) == ([*use], 1)
