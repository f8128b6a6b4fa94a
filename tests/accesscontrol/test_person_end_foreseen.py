"""The end of a person that is only foreseen says, and refuses, what its carrying out does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol import impact_people
from accesscontrol.actions.administrators import LastAdministrator
from accesscontrol.actions.assignments import what_principal_holds
from accesscontrol.facts import groups_above
from accesscontrol.handed import in_hand
from accesscontrol.models import Assignment, TenantRole, TenantRolePermission
from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision
from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.launchers.load.company import Company
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, users
from tenants.impact import Act, foresee, weigh
from tenants.models import Group, Membership, Tenant, User, since
from tests.accesscontrol.office import AT, BORN, make_office
from tests.support.factories import SYSTEM, acting, make_tenant, make_user
from tests.support.once import made_once, savepoint

NOW = timezone.now()
ENDS: dict[str, Callable[..., object]] = {"deactivate": users.deactivate, "delete": deletion.delete}
both = pytest.mark.parametrize("name", sorted(ENDS))


@pytest.fixture(scope="module")
def company_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    """So few people that some hold an application's only role, one of them by a group."""
    sizes = {"users": 6, "groups": 7, "resources": 80, "applications": 12, "tenant_roles": 15}
    with made_once(django_db_blocker):
        tenant = make_tenant("acme", at=NOW)
        made = Company(tenant=tenant, at=NOW, of_user=2, of_group=1, **sizes)
        made.build()
        yield made


@pytest.fixture
def acme(company_once: Company, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with savepoint(django_db_blocker), tenant_scope(company_once.tenant.id):
        yield company_once.tenant


def ending(name: str, user: User, *, by: Actor = SYSTEM, at: Any = NOW) -> tuple[Act, Callable[[], object]]:
    given: dict[str, Any] = {"tenant": user.tenant, "by": by, "at": at}
    act = Act(
        name=name, tenant=user.tenant, subject=user, by=by, at=at, answers=lambda _permission: Decision.yes()
    )
    return act, lambda: ENDS[name](user_id=user.pk, **given)


def carried_out(act: Act, do: Callable[[], object]) -> Any:
    """And taken back."""
    with transaction.atomic():
        found = weigh(act, do)[0]
        transaction.set_rollback(True)
    return found


def told(look: Callable[..., Any], *ending: Any) -> Any:
    try:
        return look(*ending).as_json()
    except DomainError as refused:
        return refused.code, str(refused.detail)


@both
def test_it_says_what_happens(acme: Tenant, name: str) -> None:
    said = []
    for user in User.objects.filter(tenant=acme).order_by("username"):
        said.append(told(foresee, *ending(name, user)))
        assert said[-1] == told(carried_out, *ending(name, user))
        users.deactivate(tenant=acme, user_id=user.pk, by=SYSTEM, at=NOW)  # the next one may be the last
        user.refresh_from_db()
        assert told(foresee, *ending(name, user)) == told(carried_out, *ending(name, user))
    assert any(found["withoutPeople"]["count"] for found in said)
    assert all(found["users"]["count"] for found in said)


@both
def test_it_writes_nothing(acme: Tenant, name: str) -> None:
    user = User.objects.filter(tenant=acme).order_by("username").first()
    with CaptureQueriesContext(connection) as asked:
        foresee(*ending(name, user))
    assert not [each["sql"] for each in asked if each["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]


@both
@pytest.mark.parametrize("way", ["himself", "by a group", "by a group above"])
def test_the_only_administrator_stays(db: None, name: str, way: str) -> None:
    office = make_office()
    board = office.group("Board", *([office.jane] if way == "by a group" else []))
    if way == "by a group above":
        office.group("Team", office.jane, parent=board)
    office.give(**({"user_id": office.jane.id} if way == "himself" else {"group_id": board.id}))
    with tenant_scope(office.tenant.id):
        for look in (foresee, carried_out):
            with pytest.raises(LastAdministrator):
                look(*ending(name, office.jane, at=AT))
        joe, until = Assignment.objects.get(pk=office.give(user_id=office.joe.id).pk), AT + timedelta(days=1)
        assert told(foresee, *ending(name, office.jane, at=AT)) == told(
            carried_out, *ending(name, office.jane, at=AT)
        )
        Assignment.objects.filter(pk=joe.pk).update(during=since(BORN, until))
        for look in (foresee, carried_out):
            with pytest.raises(LastAdministrator):  # from tomorrow on
                look(*ending(name, office.jane, at=AT))


def test_who_may_not_give_what_goes_is_refused_before(db: None) -> None:
    office = make_office()
    office.give(user_id=office.jane.id)
    for user in (office.jane, office.joe):  # what is above him he may not take; himself nobody deletes
        with tenant_scope(office.tenant.id):
            seen = told(foresee, *ending("delete", user, by=acting(office.joe), at=AT))
            assert seen == told(carried_out, *ending("delete", user, by=acting(office.joe), at=AT))
        assert seen[0] == ("forbidden" if user == office.jane else "own_account")


def test_what_one_would_have_in_hand_is_what_the_rows_hold(acme: Tenant) -> None:
    """Of each person and each group, with roles of the portal, planned ones and an empty one among them."""
    people, groups = list(User.objects.filter(tenant=acme)), list(Group.objects.filter(tenant=acme))
    role = ApplicationRole.objects.filter(application_id=PORTAL_ID).order_by("key").first()
    made = TenantRole.objects.filter(tenant=acme).order_by("key")
    TenantRolePermission.objects.filter(role=made[0]).delete()
    alone = make_user(acme, "alone", at=NOW)
    tomorrow = since(NOW + timedelta(days=1))
    given: dict[str, Any] = {"tenant": acme, "created_at": NOW, "during": tomorrow, "by_name": "Jane"}
    Assignment.objects.create(user=people[0], application_role=role, **given)
    Assignment.objects.create(group=groups[0], application_role=role, **given)
    Assignment.objects.create(user=alone, tenant_role=made[0], **given)
    found = []
    for one in (*people, alone, make_user(acme, "nobody", at=NOW), *groups):
        own = {"user": one} if isinstance(one, User) else {"group": one}
        inside = Membership.objects.not_over(NOW).filter(user=one) if isinstance(one, User) else None
        ids = inside.values_list("group_id", flat=True) if inside is not None else [one.pk]
        above = groups_above(*ids, tenant_id=acme.pk, at=NOW)
        rows = Assignment.objects.not_over(NOW).filter(tenant=acme).select_related("application_role")
        expected = what_principal_holds(rows.filter(**own) | rows.filter(group__in=above), at=NOW)
        asked = {"users": [one.pk]} if isinstance(one, User) else {"groups": [one.pk]}
        assert in_hand(tenant_id=acme.pk, at=NOW, **asked) == expected
        found.append((len(expected[0]) > 0, expected[1]))
    assert set(found) >= {(True, True), (False, True), (False, False)}
    assert in_hand(tenant_id=acme.pk, users=[alone.pk], at=NOW) == (set(), True)


@both
@pytest.mark.parametrize("look", [foresee, carried_out])
def test_who_was_deleted_while_it_waited_is_not_found(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, name: str, look: Callable[..., Any]
) -> None:
    user = make_user(acme, "kim", at=NOW)
    whole = impact_people.hold

    def late(*tenants: Any) -> None:
        whole(*tenants)
        monkeypatch.setattr(impact_people, "hold", whole)
        User.everyone.filter(pk=user.pk).update(deleted_at=NOW)

    monkeypatch.setattr(impact_people, "hold", late)
    with pytest.raises(NotFound):
        look(*ending(name, user))
