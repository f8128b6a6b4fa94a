"""Signals that are fetched (RFC 8936): what one poll may cost, whoever and however many they concern."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.actions import assignments, keys, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.decide import may_sign_in
from accesscontrol.oauth import sign_in_decision
from accesscontrol.oauth.signals.writing import writer
from applications import events
from applications.delivery import polling, telling
from applications.models import Event
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.models import User
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person, signed_in
from tests.accesscontrol.oauth.telling import Receiver, later, row_of
from tests.support.factories import SYSTEM, make_group


@pytest.fixture
def meter(shared: World, settings: Any) -> Receiver:
    settings.ROOT_URLCONF = "iam_portal.urls"
    made = Receiver(shared, shared.globex)
    assert made.create().status_code == 201
    return made


@pytest.fixture
def decided(monkeypatch: Any) -> list[str]:
    """Whom each decision was about."""
    found: list[str] = []
    before = telling.writer

    def noted(webhook: Any, events: Any, **more: Any) -> Callable[[Event], bytes | None]:
        write = before(webhook, events, **more)

        def one(event: Event) -> bytes | None:
            found.append(event.subject)
            return write(event)

        return one

    monkeypatch.setattr(telling, "writer", noted)
    return found


def happens(meter: Receiver) -> None:
    """Three times to somebody who has nothing to do with it, to one who has; and so again."""
    nobody = person(meter.world, "nobody")
    for name in ("ann", "bob"):
        for _ in range(3):
            events.emit(
                type="person.deactivated",
                tenant_id=meter.tenant.id,
                subject="nobody",
                at=later(meter),
                data={"userId": str(nobody.id)},
            )
        give(meter.world, person(meter.world, name))
    events.sequence()


def polls(meter: Receiver, decided: list[str]) -> list[tuple[int, int]]:
    """Poll while there is more: what each decided, and handed out."""
    found, done = [], []
    for _ in range(20):
        decided.clear()
        page = meter.ask("POST", "poll", {"ack": done}).json()
        done = list(page["sets"])
        found.append((len(decided), len(done)))
        if "moreAvailable" not in page:
            return found
    raise AssertionError("it never ends")


def test_a_poll_looks_at_so_many_events_and_says_that_there_are_more(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(telling, "MOST_LOOKED_AT", 4)
    happens(meter)
    assert polls(meter, decided) == [(4, 1), (4, 1)]


def test_a_poll_whose_time_is_over_is_cut_short_and_the_next_gets_further(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(polling, "LONGEST", 0.0)
    happens(meter)
    assert polls(meter, decided) == [(1, 0)] * 3 + [(1, 1)] + [(1, 0)] * 3 + [(1, 1)]


def test_what_is_handed_out_again_takes_its_time_too(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    happens(meter)
    assert len(meter.poll()) == 2
    monkeypatch.setattr(polling, "LONGEST", 0.0)
    assert len(meter.poll()) == 1
    assert polls(meter, decided) == [(1, 1), (1, 1)]


# --- many at once --------------------------------------------------------------------------------------


def night(meter: Receiver) -> str:
    """A role of the organization's own, whose permissions are to be looked at."""
    wanted = [("acme.meter", "urn:test", "machines", "modify")]
    definition = Definition(key="night", name="Night", description="", permissions=wanted)
    tenant_roles.define(tenant=meter.tenant, definition=definition, by=SYSTEM, at=meter.world.clock.at)
    return definition.key


def assign(meter: Receiver, role: str, application_id: str | None = "acme.meter", **whom: Any) -> None:
    wanted = Wanted(role=role, application_id=application_id, **whom)
    assignments.assign(tenant=meter.tenant, wanted=wanted, by=SYSTEM, at=meter.world.clock.at)


def of_many(meter: Receiver, number: int) -> None:
    """In turn: one who holds a role of each kind, one who only signed in, one whom it does not concern."""
    names = [f"p{each}-{meter.world.clock.at.timestamp():.0f}" for each in range(number)]
    for place, user in enumerate([person(meter.world, name) for name in names]):
        later(meter)
        if place % 3 == 0:
            give(meter.world, user)
            assign(meter, "night", None, user_id=user.id)
        elif place % 3 == 1:
            signed_in(meter.world, user)
        for kind in ("deactivated", "reactivated", "deleted"):
            events.emit(
                type=f"person.{kind}",
                tenant_id=meter.tenant.id,
                subject=str(user.id),
                at=later(meter),
                data={"userId": str(user.id)},
            )
    events.sequence()


def test_twenty_people_cost_as_many_statements_as_three(meter: Receiver, monkeypatch: Any) -> None:
    """The first time, and when they are handed out again."""
    monkeypatch.setattr(polling, "LONGEST", 600.0)
    monkeypatch.setattr(keys, "LOOK_AGAIN", 600.0)
    keys.signing_key(algorithm="ES256", at=meter.world.clock.at)
    night(meter)
    meter.told()
    counts, told = [], []
    for number in (3, 20):
        of_many(meter, number)
        meter.poll(maxEvents=0)  # once a minute a poll notes that the secret is in use
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                page = meter.ask("POST", "poll", {"maxEvents": 100}).json()
            counts.append(len(queries))
            told.append(len(page["sets"]))
        assert "moreAvailable" not in page
        meter.poll(ack=list(page["sets"]), maxEvents=0)
    assert told[0] == told[1] < told[2] == told[3]
    assert told[3] > 40
    assert counts[:2] == counts[2:]


def test_each_of_many_is_decided_as_a_sign_in_is(meter: Receiver) -> None:
    """Whichever way a role comes to somebody, begins, ends or does not count."""
    world, start = meter.world, meter.world.clock.at
    night(meter)
    names = ("direct", "own", "above", "gone", "soon", "away", "nobody")
    people = {name: person(world, name) for name in names}
    give(world, people["direct"])
    give(world, people["direct"], "editor")
    assign(meter, "night", None, user_id=people["own"].id)
    above = make_group(meter.tenant, "above", at=start)
    make_group(meter.tenant, "below", parent=above, members=(people["above"], people["own"]), at=start)
    assign(meter, "editor", group_id=above.id)
    held = give(world, people["gone"])
    assign(meter, "viewer", user_id=people["soon"].id, starts_at=start.replace(year=start.year + 1))
    give(world, people["away"])
    moments = [start, later(meter)]
    world.withdraw(held)
    with tenant_scope(meter.tenant.id):
        away: Any = {"tenant": meter.tenant, "user_id": people["away"].id, "by": SYSTEM}
        users.deactivate(at=world.clock.at, **away)
    moments += [later(meter), start.replace(year=start.year + 2)]
    found = {
        name: decided_as_a_sign_in_is(meter, list(people.values()), user, moments)
        for name, user in people.items()
    }
    assert [len(roles) for roles in found["direct"]] == [2, 2, 2, 2]
    assert [len(roles) for roles in found["own"]] == [2, 2, 2, 2]
    assert [len(roles) for roles in found["above"]] == [1, 1, 1, 1]
    assert [len(roles) for roles in found["gone"]] == [1, 0, 0, 0]
    assert [len(roles) for roles in found["soon"]] == [0, 0, 0, 1]
    assert [len(roles) for roles in found["away"]] == [1, 0, 0, 0]
    assert [len(roles) for roles in found["nobody"]] == [0, 0, 0, 0]


def decided_as_a_sign_in_is(
    meter: Receiver, everybody: list[User], user: User, moments: list[Any]
) -> list[frozenset[str]]:
    """The roles at each of the moments, read with everybody's and read alone."""
    at, tenant_id = meter.world.clock.at, meter.tenant.id
    about = [Event(type="iam.person.deactivated.v1", data={"userId": str(one.id)}) for one in everybody]
    with tenant_scope(tenant_id):
        together = writer(row_of(meter), about, at=at).facts[user.id]
        alone = sign_in_decision.facts_of(user_id=user.id, application_id="acme.meter", tenant_id=tenant_id)
    assert alone is not None
    found = [may_sign_in(together, at=moment).urns() for moment in moments]
    assert found == [may_sign_in(alone, at=moment).urns() for moment in moments]
    return found
