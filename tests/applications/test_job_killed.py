"""The job killed in the middle, and twice at once: nothing is lost and nothing is told twice."""

import os
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, connections, transaction

from applications.actions import pauses, watch
from applications.models import Announced, Availability, ContractTold, Event, Watermark
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.sharing import T0, accepted, make_pair, moments
from tests.support.factories import SYSTEM

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(db: None) -> tuple[Tenant, Tenant]:
    return make_pair()


@pytest.mark.parametrize("where", ["write", "ContractTold", "Announced", "Watermark"])
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
    """After the events, at the notes of what was told, at the mark at the very end."""

    def dies(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("killed")

    if where == "write":
        original = getattr(sys.modules["applications.actions.availability"], "write")  # noqa: B009

        def writes(rows: list[Event]) -> None:
            original(rows)
            dies()

        patch.setattr("applications.actions.availability.write", writes)
    elif where == "Watermark":
        patch.setattr(Watermark.objects, "filter", dies)
    else:
        patch.setattr(
            {"ContractTold": ContractTold, "Announced": Announced}[where].objects, "bulk_create", dies
        )


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
