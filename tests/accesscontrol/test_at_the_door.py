"""What every door asks in one statement is what the single questions say."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta

from accesscontrol import at_the_door
from accesscontrol import facts as load
from accesscontrol.decide import PermissionFact, RoleBook
from accesscontrol.models import Assignment, TenantRole
from applications import facts
from applications.models import Resource
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.actions import tenants
from tenants.models import User
from tests.benchmarks.measuring import counting
from tests.support.factories import SYSTEM, make_resource, make_tenant
from tests.support.granting import Office


def everybody(office: Office) -> Iterator[load.Principal]:
    here = office.tenant.id
    for user in User.objects.filter(tenant=here):
        yield load.Principal(here, user_id=user.id)
    services = Assignment.objects.filter(tenant=here, application__isnull=False)
    for application_id in services.values_list("application_id", flat=True).distinct():
        yield load.Principal(here, application_id=application_id)


def laid_out(book: RoleBook, made: Collection[str]) -> list[dict[str, set[PermissionFact]]]:
    """In no order: the database gives the permissions of a role in any. Of the tenant's own roles these."""
    shelves = [book.application]
    shelves += [{key: shelf[key] for key in made if key in shelf} for shelf in (book.tenant, book.own)]
    return [{key: set(found) for key, found in shelf.items()} for shelf in shelves]


def compared(office: Office) -> Counter[str]:
    """How much of each kind was found, and found equal."""
    found: Counter[str] = Counter()
    with tenant_scope(office.tenant.id):
        for who in everybody(office):
            with counting() as sent:
                door = at_the_door.facts(who)
            assert door is not None and len(sent) == 1
            assert door.sharing == facts.of_application(PORTAL_ID, tenant_id=who.tenant_id)
            assert door.principal == load.principal(who, application_ids=[PORTAL_ID])[PORTAL_ID]
            held = door.principal.assignments
            made = {one.tenant_role for one in held if one.tenant_role is not None}
            whole = load.books([PORTAL_ID], tenant_id=who.tenant_id)[PORTAL_ID]
            assert laid_out(door.book, made) == laid_out(whole, made)
            assert made == door.book.tenant.keys() | door.book.own.keys()
            found["made"] += sum(one.tenant_role is not None for one in held)
            found["by group"] += sum(one.via is not None for one in held)
            found["of people"] += len(held) if who.user_id else 0
            found["of services"] += len(held) if who.application_id else 0
            found["in a tenant's roles"] += len(door.book.tenant)
            found["on the tenant's own"] += len(door.book.own)
    assert at_the_door._kept.portal is not None  # all but the first were answered by what was kept
    return found


def test_the_whole_office_is_as_the_single_questions_say(office: Office) -> None:
    found = compared(office)
    assert all(
        found[kind] for kind in ("made", "by group", "of people", "of services", "in a tenant's roles")
    )


def test_a_suspended_organization_is_too(office: Office) -> None:
    at = office.at + timedelta(minutes=1)
    tenants.suspend(tenant=office.tenant, reason="", by=SYSTEM, at=at)
    compared(office)


def test_nobody_s_row_of_another_organization_is_in_it(office: Office) -> None:
    other = make_tenant("elsewhere", at=office.at)
    with tenant_scope(office.tenant.id):
        known = list(everybody(office))
    with tenant_scope(other.id):
        for who in known:
            door = at_the_door.facts(load.Principal(other.id, who.user_id, who.application_id))
            assert door is not None and door.principal.assignments == ()
            assert not door.book.tenant and not door.book.own


def test_own_roles_are_too_by_whichever_way_they_are_held(office: Office) -> None:
    """By a group above, by plan, ended, twice under one key, on what is its own, by a service."""
    past, now = (office.at - timedelta(days=9), office.at - timedelta(days=8)), (office.at, None)
    planned, never = (office.at + timedelta(days=1), office.at + timedelta(days=2)), "empty"
    here = office.tenant
    with tenant_scope(here.id):
        parts = list(Resource.objects.filter(application_id=PORTAL_ID, owner_tenant=None)[:5])
        mine = make_resource(PORTAL_ID, "mine", during=now, owner=here)
        for key, life, holds, holders in (
            ("above", now, {parts[0]: now, mine: planned}, {"group": office.strong}),
            ("planned", now, {parts[1]: now, parts[2]: past}, {"user": office.clerk}),
            ("twice", past, {parts[1]: past}, {"user": office.chief}),
            ("twice", now, {parts[2]: now, parts[3]: never}, {"user": office.clerk}),
            ("served", now, {mine: now, parts[4]: planned}, {"application": office.robot}),
            ("of-nobody", now, {parts[0]: now, mine: now}, {}),
            ("of-nothing", now, {}, {"user": office.clerk}),
        ):
            role = TenantRole.objects.create(tenant=here, key=key, name=key, during=life)
            for resource, during in holds.items():
                role.permissions.create(tenant=here, resource=resource, privilege="read", during=during)
            if holders:
                during = planned if key == "planned" else now
                Assignment.objects.create(
                    tenant=here, tenant_role=role, during=during, created_at=office.at, by_name="x", **holders
                )
        doors = [at_the_door.facts(who) for who in everybody(office)]
    found = compared(office)
    assert found["made"] >= 6 and found["on the tenant's own"] == 2
    read = {key for door in doors if door for key in (*door.book.tenant, *door.book.own)}
    assert read == {"ours", "above", "planned", "twice", "served"}
