"""Comparing and mending hold up nobody: acts commit meanwhile, and what they did is not taken for a fault."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from applications import readmodel
from applications.actions import healing, pauses
from applications.models import Availability, Contract, ContractGrant
from tests.applications.sharing import T0, accepted, register
from tests.support.factories import SYSTEM, make_partners, make_tenant

HOUR = timedelta(hours=1)
NOTHING = {"grants": [], "availability": []}


@pytest.fixture
def rows(committed_db: None) -> Iterator[tuple[Contract, Contract]]:
    """Two contracts, each for an application of its own."""
    acme, beta = make_tenant("acme", at=T0), make_tenant("beta", at=T0)
    make_partners(acme, beta, at=T0)
    for name in ("meter", "other"):
        register(acme, name, T0)
    yield accepted(acme, beta, "acme.meter", at=T0), accepted(acme, beta, "acme.other", at=T0)


def elsewhere(act: Callable[[], Any]) -> Any:
    """In a connection of its own, which waits for nobody."""

    def impatient() -> Any:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(impatient).result(timeout=30)


def pause(row: Contract) -> None:
    pauses.pause(tenant=row.provider, contract_id=row.id, by=SYSTEM, at=T0 + HOUR)


def then(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> list[str]:
    """The first time that a step of the read model was taken, this is done elsewhere."""
    step, done = getattr(readmodel, name), []

    def taken(*args: Any, **kwargs: Any) -> Any:
        found = step(*args, **kwargs)
        if not done:
            done.append(name)
            elsewhere(act)
        return found

    monkeypatch.setattr(readmodel, name, taken)
    return done


def test_an_act_commits_while_everything_is_compared(
    rows: tuple[Contract, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction with the comparison, so that whatever it locked would still be locked."""
    done = then(monkeypatch, "differences", partial(pause, rows[0]))
    with transaction.atomic():
        assert healing.heal(at=T0 + HOUR) == {}
    assert done
    assert readmodel.differences() == NOTHING


def test_what_an_act_has_mended_meanwhile_is_not_told(
    rows: tuple[Contract, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    Availability.objects.filter(contract=rows[0]).delete()
    done = then(monkeypatch, "differences", partial(pause, rows[0]))
    assert healing.heal(at=T0 + HOUR) == {}
    assert done
    assert readmodel.differences() == NOTHING


@pytest.mark.parametrize(
    ("table", "step"), [(ContractGrant, "rebuild_grants"), (Availability, "rebuild_availability")]
)
def test_mending_holds_only_what_it_concerns(
    rows: tuple[Contract, Contract], monkeypatch: pytest.MonkeyPatch, table: Any, step: str
) -> None:
    table.objects.filter(contract=rows[0]).delete()
    done = then(monkeypatch, step, partial(pause, rows[1]))
    assert healing.heal(at=T0 + HOUR)
    assert done
    assert readmodel.differences() == NOTHING


def test_what_is_too_much_for_one_run_is_left_to_the_next(rows: tuple[Contract, Contract]) -> None:
    for table in (ContractGrant, Availability):
        table.objects.filter(contract__in=rows).delete()
    healed = [healing.heal(at=T0 + HOUR, most=1) for _ in range(3)]
    mended = [{row[1] for row in one.get("grants", [])} for one in healed]
    assert [len(contracts) for contracts in mended] == [1, 1, 0]
    assert mended[0] | mended[1] == {row.id for row in rows}
    assert readmodel.differences() == NOTHING
