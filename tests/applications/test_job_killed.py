"""The job killed in the middle, and twice at once: nothing is lost and nothing is told twice."""

import os
import subprocess
import sys
import textwrap
import threading
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, connections, transaction

from applications import boundaries
from applications.actions import manifests, pauses, watch
from applications.models import Announced, Application, Availability, ContractTold, Event, Watermark
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.sharing import T0, accepted, make_pair, moments, register
from tests.support.factories import SYSTEM
from tests.support.universe import manifest_of

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(db: None) -> tuple[Tenant, Tenant]:
    return make_pair()


@pytest.mark.parametrize("where", ["claim", "write", "Announced", "Watermark"])
def test_a_run_that_breaks_has_done_nothing(
    pair: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)
    watch.run(at=T0)
    before = snapshot()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError), transaction.atomic():
        _break(patch, where)
        watch.run(at=T0 + 3 * HOUR)
    assert snapshot() == before
    watch.run(at=T0 + 4 * HOUR)
    assert moments(beta) == [(T0 + HOUR, True), (T0 + 2 * HOUR, False)]


def _break(patch: pytest.MonkeyPatch, where: str) -> None:
    """After the first notes, after the events, at the notes of pairs, at the mark at the very end."""

    def dies(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("killed")

    if where in ("claim", "write"):
        module = boundaries if where == "claim" else sys.modules["applications.actions.availability"]
        original = getattr(module, where)

        def acts(rows: list[Any]) -> None:
            original(rows)
            dies()

        patch.setattr(module, where, acts)
    elif where == "Watermark":
        patch.setattr(Watermark.objects, "filter", dies)
    else:
        patch.setattr(Announced.objects, "bulk_create", dies)


def snapshot() -> tuple[Any, ...]:
    with cross_tenant():
        return tuple(
            sorted(map(str, table.objects.values_list()))
            for table in (Event, Announced, ContractTold, Watermark, Availability)
        )


_KILLED = """
    import os, sys, django
    django.setup()
    from datetime import datetime
    from applications.actions import availability, watch
    write = availability.write
    def dies(events):
        write(events)
        os.kill(os.getpid(), 9)
    availability.write = dies
    watch.run(at=datetime.fromisoformat(sys.argv[1]))
"""


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(committed_db: None) -> None:
    acme, beta = make_pair()
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 5 * HOUR)
    pauses.pause(
        tenant=acme,
        contract_id=row.id,
        by=SYSTEM,
        at=T0,
        when=T0 + 2 * HOUR,
        until=T0 + 3 * HOUR,
    )
    watch.run(at=T0)
    before = snapshot()
    late = T0 + 6 * HOUR
    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILLED), late.isoformat()],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert died.returncode == -9, died.stderr
    assert snapshot() == before
    assert watch.run(at=late).announced == 4
    assert [state for _, state in moments(beta)] == [True, False, True, False]


def environment() -> dict[str, str]:
    """For a process that works on the tests' database."""
    known = connections["default"].get_connection_params()
    server = {name: str(known[name]) for name in ("host", "port") if known.get(name)}
    login = f"{known['user']}:{quote(known.get('password') or '')}"
    address = f"postgres://{login}@/{known['dbname']}?{urlencode(server)}"
    return {**os.environ, "DATABASE_URL": address, "DATABASE_OWNER_URL": address}


def test_two_runs_at_once_tell_once(committed_db: None) -> None:
    acme, beta = make_pair()
    accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR)
    done: list[watch.Watched] = []

    def other() -> None:
        done.append(watch.run(at=T0 + 2 * HOUR))
        connection.close()

    with transaction.atomic():
        assert watch.run(at=T0 + 2 * HOUR).announced == 1
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert done[0].busy
    assert moments(beta) == [(T0 + HOUR, True)]


@pytest.mark.parametrize("second", ["the job", "another manifest"])
def test_a_manifest_and_another_teller_at_once_tell_a_boundary_once(committed_db: None, second: str) -> None:
    """A manifest holds its application, not the contracts: the other teller finds the same boundaries."""
    acme, beta = make_pair()
    register(acme, "gauge", T0)
    row = accepted(acme, beta, "acme.meter", "acme.gauge", at=T0)
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0, when=T0 + HOUR, until=T0 + 2 * HOUR)
    watch.tell(at=T0)
    late = T0 + 3 * HOUR
    failed: list[Exception] = []

    def other() -> None:
        try:
            if second == "the job":
                watch.tell(at=late)
            else:
                declare("acme.gauge", late)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        declare("acme.meter", late)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for whoever tells already"
    thread.join(20)
    assert not failed
    assert watch.tell(at=late + HOUR).passed == 0
    with cross_tenant():
        rows = Event.objects.filter(tenant=beta, subject=str(row.id), at__gt=T0).order_by("id")
        assert list(rows.values_list("type", "at")) == [
            ("iam.contract.paused.v1", T0 + HOUR),
            ("iam.contract.resumed.v1", T0 + 2 * HOUR),
        ]
    for application_id in ("acme.meter", "acme.gauge"):
        assert [now for _, now in moments(beta, application_id)] == [True, False, True]


def declare(application_id: str, at: datetime) -> None:
    application = Application.objects.get(id=application_id)
    manifests.declare(application=application, manifest=manifest_of(("viewer",)), by=SYSTEM, at=at)
