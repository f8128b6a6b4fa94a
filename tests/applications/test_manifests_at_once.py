"""Declarations on real connections: two at once end as one of them, and new ids meet no deadlock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from applications import declared, readmodel
from applications.actions import contracts, manifests
from applications.manifest import parse
from applications.models import Application, ApplicationRole
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.actions import tenants as organizations
from tenants.models import Tenant
from tests.applications.sharing import accepted, proposal, register
from tests.support.factories import SYSTEM, make_partners, make_tenant, make_user
from tests.tenants.conftest import Racers

pytestmark = pytest.mark.slow
ROUNDS = 6


def now() -> datetime:
    return datetime.now(UTC)


def document(key: str, former: str = "", number: int = 3) -> dict[str, Any]:
    """One role over some resources of its own, which may take the place of the viewer."""
    address = {"type": "urn:test", "id": f"of-{key}"}
    heir = {"supersedes": former} if former else {}
    return {
        "resources": [
            {**address, "id": f"of-{key}-{place}", "privileges": ["read"]} for place in range(number)
        ],
        "roles": [
            {
                "key": key,
                **heir,
                "permissions": [
                    {"resourceType": "urn:test", "resourceId": f"of-{key}-0", "privileges": ["read"]}
                ],
            }
        ],
    }


@pytest.fixture
def racers(committed_db: None) -> Iterator[Racers]:
    with Racers(5) as racers:
        yield racers


@pytest.fixture
def parties(racers: Racers) -> tuple[Tenant, Tenant]:
    acme, beta = make_tenant("acme", at=now()), make_tenant("beta", at=now())
    make_partners(acme, beta, at=now())
    return acme, beta


def declare(application: Application, body: dict[str, Any]) -> Callable[[], Any]:
    return lambda: manifests.declare(application=application, manifest=parse(body), by=SYSTEM, at=now())


def refused(outcomes: list[Any]) -> list[DomainError]:
    """A refusal of a rule is an answer; anything else, a deadlock first of all, is a failure."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for error in errors:
        if not isinstance(error, DomainError):
            raise error
    return errors


def keys_of(application: Application) -> set[str]:
    rows = ApplicationRole.objects.filter(application=application, during__endswith=None)
    return set(rows.exclude(during__isempty=True).values_list("key", flat=True))


def test_two_at_once_end_as_one_of_them(racers: Racers, parties: tuple[Tenant, Tenant]) -> None:
    meter = register(parties[0], "meter", now())
    for number in range(ROUNDS):
        wishes = {key: document(key) for key in (f"one{number}", f"two{number}")}
        late = refused(racers.at_once(*(declare(meter, body) for body in wishes.values())))
        assert {error.code for error in late} <= {"manifest_overtaken"}
        assert len(late) < 2
        [won] = keys_of(meter)
        stands = declared.document(meter, at=now())
        assert {row["id"] for row in stands["resources"]} == {f"of-{won}-{place}" for place in range(3)}
        assert won in wishes


def test_the_same_at_once_is_declared_once(racers: Racers, parties: tuple[Tenant, Tenant]) -> None:
    meter = register(parties[0], "meter", now())
    heir = document("reader", "viewer")
    outcomes = racers.at_once(*[declare(meter, heir)] * 4)
    diffs = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert {error.code for error in refused(outcomes)} <= {"manifest_overtaken"}
    assert [bool(diff) for diff in diffs].count(True) == 1
    assert keys_of(meter) == {"reader"}


def test_what_happens_to_an_assignment_meanwhile_stays(
    racers: Racers, parties: tuple[Tenant, Tenant]
) -> None:
    """It is withdrawn, another is given, a proposal is accepted, the consumer is suspended: all at once."""
    acme, beta = parties
    user, other = (make_user(beta, name, at=now()) for name in ("ann", "bob"))
    given: dict[str, Any] = {"tenant": beta, "by": SYSTEM}
    for number in range(ROUNDS):
        meter = register(acme, f"meter{number}", now())
        accepted(acme, beta, meter.id, at=now())
        offered = proposal(acme, beta, meter.id, at=now())
        who = {"role": "viewer", "application_id": meter.id}
        with tenant_scope(beta.id):
            row = assignments.assign(wanted=Wanted(**who, user_id=user.id), at=now(), **given)
        gone, fresh, *others = racers.at_once(
            lambda row=row: assignments.withdraw(assignment_id=row.id, at=now(), **given),
            lambda who=who: assignments.assign(wanted=Wanted(**who, user_id=other.id), at=now(), **given),
            declare(meter, document("reader", "viewer")),
            lambda offered=offered: contracts.accept(
                tenant=beta, contract_id=offered.id, by=SYSTEM, at=now()
            ),
            lambda: organizations.suspend(tenant=beta, reason="", by=SYSTEM, at=now()),
        )
        refused([gone, fresh, *others])
        organizations.resume(tenant=beta, by=SYSTEM, at=now())
        with tenant_scope(beta.id):
            living = Assignment.objects.at(now()).filter(tenant=beta, application_role__application=meter)
            held = {
                (one.user_id, one.application_role.key) for one in living.select_related("application_role")
            }
        if not isinstance(gone, BaseException):
            assert (user.id, "reader") not in held, "what was withdrawn does not come back"
        else:
            assert (user.id, "reader") in held
        if not isinstance(fresh, BaseException):
            assert (other.id, "reader") in held, "what was given goes on"
        assert {key for _, key in held} <= {"reader"}
        assert readmodel.differences() == {"grants": [], "availability": []}
