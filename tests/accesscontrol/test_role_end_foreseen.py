"""The end of a tenant's role, foreseen without being written: it is what carrying it out finds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment, TenantRole
from applications.models import Application
from iam_portal.errors import Forbidden, NotFound
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.impact import Act, Impact, carry_out, foresee, is_foreseen, weigh
from tenants.models import Tenant
from tenants.views import impacts
from tests.applications.sharing import make_pair, register
from tests.applications.story import signed_in
from tests.support.factories import SYSTEM, make_group, make_user
from tests.support.knocking import person

pytestmark = pytest.mark.django_db


@dataclass
class Place:
    """A role of an organization's own that people, a group and a service hold, now and by plan."""

    tenant: Tenant
    role: TenantRole
    other: TenantRole
    at: datetime

    def deleting(self, by: Actor = SYSTEM) -> tuple[Act, Callable[[], Any]]:
        given: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        act = Act(name="delete", subject=self.role, asked={}, by=by, **given)
        return act, lambda: tenant_roles.delete(key=self.role.key, by=by, **given)

    def foreseen(self, by: Actor = SYSTEM) -> Impact:
        with tenant_scope(self.tenant.id):
            return foresee(*self.deleting(by))

    def done(self) -> Impact:
        """Carried out, and looked at afterwards."""
        with tenant_scope(self.tenant.id), transaction.atomic():
            return weigh(*self.deleting())[0]

    def give(self, role: TenantRole, **wanted: Any) -> None:
        assignments.assign(tenant=self.tenant, wanted=Wanted(role=role.key, **wanted), by=SYSTEM, at=self.at)


@pytest.fixture
def place() -> Place:
    acme, _ = make_pair()
    at = datetime.now(UTC)
    press, robot = register(acme, "press", at), register(acme, "robot", at)

    def made(key: str, *applications: str) -> TenantRole:
        permissions = [(application, "urn:test", "machines", "read") for application in applications]
        definition = Definition(key=key, name=key.title(), description="", permissions=permissions)
        return tenant_roles.define(tenant=acme, definition=definition, by=SYSTEM, at=at)

    found = Place(acme, made("night-shift", press.id, robot.id), made("day-shift", press.id), at)
    kim, lee, ann, joe = (make_user(acme, name, at=at) for name in ("kim", "lee", "ann", "joe"))
    crew = make_group(acme, "Crew", members=(lee,), at=at)
    make_group(acme, "Inner", parent=crew, members=(ann, kim), at=at)
    found.give(found.role, user_id=kim.id)
    found.give(found.other, user_id=kim.id)
    found.give(found.role, group_id=crew.id)
    found.give(found.role, user_id=joe.id, starts_at=at + timedelta(days=3), ends_at=at + timedelta(days=9))
    for role in (found.role, found.other):
        found.give(role, principal_application_id=robot.id)
    return found


def test_it_is_what_carrying_it_out_finds(place: Place) -> None:
    found, done = place.foreseen(), place.done()
    assert found.as_json() == done.as_json()
    assert [item["name"] for item in found.parts["users"]["items"]] == ["Ann", "Joe", "Kim", "Lee"]
    assert [item["calls"] for item in found.parts["services"]["items"]] == ["acme.press"]
    assert not found.takes_nothing


def test_of_many_the_first_are_named_and_all_counted(place: Place) -> None:
    """A page names fewer than a program is told: it is the same impact."""
    act, do = place.deleting()
    with tenant_scope(place.tenant.id):
        found = foresee(replace(act, named=2), do)
    assert (found.revision, found.ours) == (place.foreseen().revision, 4)
    users = found.parts["users"]
    assert (users["count"], [item["name"] for item in users["items"]]) == (4, ["Ann", "Joe"])
    page = _page(place)
    (people,) = [names for names in page.context["confirm"]["names"] if "People" in names["label"]]
    assert (len(people["items"]), people["more"]) == (4, 0)


def test_a_page_says_how_many_are_not_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impacts, "MOST", 3)
    page = _page(place)
    assert "and 1 more" in page.content.decode()


def _page(place: Place) -> Any:
    manager, _ = person(place.tenant, "manager", "access-manager")
    return signed_in(manager, datetime.now(UTC)).get("/t/acme/roles/night-shift/delete")


def test_what_its_services_may_by_other_roles_stays(place: Place) -> None:
    """Seen from both sides: who holds it no more is still looked at."""
    with tenant_scope(place.tenant.id):
        mill = register(place.tenant, "mill", place.at)
        permissions = [(mill.id, "urn:test", "machines", "read")]
        definition = Definition(key="grind", name="Grind", description="", permissions=permissions)
        role = tenant_roles.define(tenant=place.tenant, definition=definition, by=SYSTEM, at=place.at)
        robot = Application.objects.get(id="acme.robot")
        place.give(role, principal_application_id=robot.id)
    found = place.foreseen()
    assert [item["calls"] for item in found.parts["services"]["items"]] == ["acme.press"]
    with tenant_scope(place.tenant.id), transaction.atomic():
        carry_out(*place.deleting(), expected=found.revision, required=True)
    assert not TenantRole.objects.at(place.at).filter(pk=place.role.pk).exists()


def test_nothing_is_written_for_it(place: Place) -> None:
    with CaptureQueriesContext(
        connection,
    ) as sent:
        place.foreseen()
    assert not [each["sql"] for each in sent if each["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    with tenant_scope(place.tenant.id):
        assert Assignment.objects.not_over(place.at).filter(tenant_role=place.role).count() == 4
        assert TenantRole.objects.at(place.at).filter(pk=place.role.pk).exists()
    assert not is_foreseen("delete", place.role)


def test_nobody_holds_it(place: Place) -> None:
    """A role that is defined and given to nobody takes nothing; the other's holders are left alone."""
    with tenant_scope(place.tenant.id):
        assert Assignment.objects.filter(tenant_role=place.role).delete()[0] == 4
    found, done = place.foreseen(), place.done()
    assert (found.as_json(), found.takes_nothing) == (done.as_json(), True)


def test_what_ended_while_the_look_waited_for_it_is_gone(place: Place) -> None:
    """Whoever asked had read it before; of another's act on the same he learns as ever."""
    _, delete = place.deleting()
    with tenant_scope(place.tenant.id):
        delete()
    place.at = datetime.now(UTC)
    with pytest.raises(NotFound):
        place.foreseen()


def test_a_look_at_another_act_takes_no_role_for_its_own(place: Place) -> None:
    """Within it, what is done to others is done, and taken back."""
    act, _ = place.deleting()
    given: dict[str, Any] = {"tenant": place.tenant, "by": SYSTEM, "at": place.at}
    left: list[bool] = []

    def both() -> None:
        tenant_roles.delete(key=place.other.key, **given)
        left.append(TenantRole.objects.at(place.at).filter(pk=place.other.pk).exists())

    with tenant_scope(place.tenant.id):
        foresee(act, both)
        assert TenantRole.objects.at(place.at).filter(pk=place.other.pk).exists()
    assert left == [False]


def test_who_may_not_take_it_does_not_foresee_it(place: Place) -> None:
    keys = [("iam-portal", "urn:iam:portal", "Keys", "execute")]
    stronger = Definition(key="night-shift", name="Night shift", description="", permissions=keys)
    tenant_roles.define(tenant=place.tenant, definition=stronger, by=SYSTEM, at=place.at)
    manager, _ = person(place.tenant, "manager", "access-manager")
    with pytest.raises(Forbidden):
        place.foreseen(Actor(kind="user", id=str(manager.id), name="Manager", tenant_id=place.tenant.id))


def test_what_it_holds_less_is_told_of_those_who_hold_it(place: Place) -> None:
    """Of its definition, too: people, and the calls of the one service that holds it."""
    less = Definition(key="night-shift", name="Night shift", description="", permissions=[])
    act = Act(name="define", subject=place.role, tenant=place.tenant, asked={}, by=SYSTEM, at=place.at)
    with tenant_scope(place.tenant.id):
        found = foresee(
            act, lambda: tenant_roles.define(tenant=place.tenant, definition=less, by=SYSTEM, at=place.at)
        )
    assert found.parts["users"]["count"] == 4
    assert [item["calls"] for item in found.parts["services"]["items"]] == ["acme.press"]
