"""What a page has read of who asks it counts for the look that is taken back, never for the act itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment, TenantRole
from iam_portal.errors import Forbidden
from iam_portal.gate import Actor, Answers, Permission, gate
from iam_portal.walls import tenant_scope
from tenants.actions import deletion
from tenants.impact import Act, answers_of_looker, carry_out, foresee
from tenants.models import Tenant, User
from tenants.rest import TenantAPI
from tests.applications.sharing import make_pair, register
from tests.applications.story import signed_in
from tests.benchmarks.measuring import counting
from tests.support.factories import SYSTEM, acting, make_user
from tests.support.knocking import person

pytestmark = pytest.mark.django_db
PATH = "/t/acme/roles/night-shift/delete"


@dataclass
class Place:
    """A role that somebody holds, and a manager who may take it from him, for now."""

    tenant: Tenant
    role: TenantRole
    manager: User
    at: datetime

    @property
    def browser(self) -> Client:
        return signed_in(self.manager, datetime.now(UTC))

    def act(self, by: Actor, read: Answers | None = None) -> tuple[Act, Any]:
        given: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        act = Act(name="delete", subject=self.role, by=by, answers=read, **given)
        return act, lambda: tenant_roles.delete(key=self.role.key, by=by, **given)

    def read(self, by: Actor, at: datetime | None = None) -> Answers:
        return gate().answers(actor=by, tenant_id=self.tenant.id, at=at or self.at)

    def dismiss(self) -> None:
        """The manager is none any more."""
        with tenant_scope(self.tenant.id):
            Assignment.objects.filter(user=self.manager).close(self.at)

    def stands(self) -> bool:
        with tenant_scope(self.tenant.id):
            return TenantRole.objects.at(datetime.now(UTC)).filter(pk=self.role.pk).exists()


@pytest.fixture
def place() -> Place:
    acme, _ = make_pair()
    at = datetime.now(UTC)
    press = register(acme, "press", at)
    permissions = [(press.id, "urn:test", "machines", "read")]
    definition = Definition(key="night-shift", name="Night", description="", permissions=permissions)
    role = tenant_roles.define(tenant=acme, definition=definition, by=SYSTEM, at=at)
    wanted = Wanted(role=role.key, user_id=make_user(acme, "kim", at=at).id)
    assignments.assign(tenant=acme, wanted=wanted, by=SYSTEM, at=at)
    manager, _ = person(acme, "manager", "access-manager")
    return Place(acme, role, manager, datetime.now(UTC))


def test_a_page_asks_once_and_the_act_once_more(place: Place) -> None:
    browser = place.browser
    with counting() as looked:
        page = browser.get(PATH)
    with counting() as sent:
        browser.post(PATH, {"impact": page.context["confirm"]["impact"]})
    assert not place.stands()
    doors = [sum(each.startswith("WITH reaching") for each in every) for every in (looked, sent)]
    looks = [sum("pg_advisory_xact_lock" in each for each in every) for every in (looked, sent)]
    assert (doors, looks) == ([1, 2], [1, 0])  # nor is what it takes worked out for its question again


def test_a_program_asks_once(place: Place) -> None:
    address = f"/iam/access-management/v1/tenants/{place.tenant.id}/roles/night-shift/impact?action=delete"
    with counting() as looked:
        assert place.browser.get(address).status_code == 200
    assert sum(each.startswith("WITH reaching") for each in looked) == 1


def test_yesterdays_manager_does_not_act_by_what_was_read_of_him(place: Place) -> None:
    by = acting(place.manager)
    read = place.read(by)
    with tenant_scope(place.tenant.id):
        seen = foresee(*place.act(by, read))
        place.dismiss()
        assert foresee(*place.act(by, read)).revision == seen.revision  # that is all it is good for
        for act, do in (place.act(by, read), place.act(by)):
            with pytest.raises(Forbidden):
                carry_out(act, do, expected=seen.revision, required=True)
        with pytest.raises(Forbidden):
            carry_out(*place.act(by, read), expected=None, required=False)
        with pytest.raises(Forbidden):
            foresee(*place.act(by))
    assert place.stands()


def test_what_he_was_shown_does_not_open_the_door_again(place: Place) -> None:
    browser = place.browser
    page = browser.get(PATH)
    place.dismiss()
    assert browser.post(PATH, {"impact": page.context["confirm"]["impact"]}).status_code == 403
    assert place.stands()


def test_nor_does_who_may_not_end_a_person_any_more(place: Place) -> None:
    """He holds a role that only who manages access may take from him."""
    by = acting(place.manager)
    with tenant_scope(place.tenant.id):
        kim = User.objects.get(tenant=place.tenant, username="kim")
        given: dict[str, Any] = {"tenant": place.tenant, "at": place.at}
        act = Act(name="delete", subject=kim, by=by, answers=place.read(by), **given)

        def delete() -> None:
            deletion.delete(user_id=kim.id, by=by, **given)

        seen = foresee(act, delete)
        place.dismiss()
        assert foresee(act, delete).revision == seen.revision
        with pytest.raises(Forbidden):
            carry_out(act, delete, expected=seen.revision, required=True)
        with pytest.raises(Forbidden):
            foresee(replace(act, answers=None), delete)


def test_of_somebody_else_or_another_moment_nothing_is_taken(place: Place) -> None:
    reader, _ = person(place.tenant, "reader", "user-reader")
    strange, his = acting(reader), acting(place.manager)
    with tenant_scope(place.tenant.id):
        with pytest.raises(Forbidden):
            foresee(*place.act(strange, place.read(his)))
        late = place.read(his, datetime.now(UTC))
        place.dismiss()
        with pytest.raises(Forbidden):
            foresee(*place.act(his, late))


def test_only_the_very_act_is_answered(place: Place) -> None:
    by = acting(place.manager)
    act, _ = place.act(by, place.read(by))
    found: list[Any] = []

    def look() -> None:
        found.extend(answers_of_looker(*each) for each in (("delete", place.role), ("define", place.role)))

    with tenant_scope(place.tenant.id):
        foresee(act, look)
        carry_out(act, look, expected=None, required=False)
    assert found == [act.answers, None, None, None]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_by_rest_only_who_asks_is_answered_by_what_the_door_has_read(place: Place, method: str) -> None:
    """A change asks anew: the right may be gone since."""
    door, actor = TenantAPI(), acting(place.manager)
    door.at, door.kwargs, door.answers = place.at, {"tenant_id": place.tenant.id}, place.read(actor)
    door.request = SimpleNamespace(method=method, user=SimpleNamespace(actor=actor))  # type: ignore[assignment]
    with tenant_scope(place.tenant.id):
        Assignment.objects.filter(user=place.manager).delete()
    permission = Permission.parse("Roles:modify")
    assert bool(door.may(permission)) == (method in ("GET", "HEAD", "OPTIONS"))
