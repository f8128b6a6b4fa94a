"""Who holds a role of which application: the statement says what a walk through the rows says."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol import holders
from accesscontrol.models import Assignment, TenantRolePermission
from applications.models import Application
from iam_portal.launchers.load.company import Company
from iam_portal.walls import tenant_scope
from tenants.models import Group, GroupPlacement, Membership, Tenant, User, UserActivity
from tests.support import factories
from tests.support.once import made_once, savepoint

AT = timezone.now()


@pytest.fixture(scope="module")
def companies_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Company]]:
    """Two with the same numbers: what is in one must not be seen in the other."""
    with made_once(django_db_blocker):
        made = [_company(factories.make_tenant(slug, at=AT)) for slug in ("acme", "beta")]
        for company in made:
            company.build()
        yield made


@pytest.fixture
def acme(companies_once: list[Company], django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    with savepoint(django_db_blocker):
        yield companies_once[0]


def _company(tenant: Tenant) -> Company:
    """So few people that what each has matters: some applications are held by one alone."""
    sizes = {"users": 6, "groups": 7, "resources": 80, "applications": 12, "tenant_roles": 15}
    return Company(tenant=tenant, at=AT, of_user=2, of_group=1, **sizes)


def walked(tenant: Tenant, at: datetime) -> set[str]:
    """The naive answer: each active person, his groups and those above, what is given to any of them."""
    placed = GroupPlacement.objects.at(at).filter(tenant=tenant)
    parents: dict[UUID, UUID] = dict(placed.values_list("group_id", "parent_id"))
    living = set(Group.objects.at(at).filter(tenant=tenant).values_list("id", flat=True))
    found: set[str] = set()
    for user in User.objects.filter(tenant=tenant):
        if not UserActivity.objects.at(at).filter(user=user).exists():
            continue
        rows = list(Assignment.objects.at(at).filter(user=user))
        for group_id in Membership.objects.at(at).filter(user=user).values_list("group_id", flat=True):
            above: UUID | None = group_id
            while above is not None:
                # A group that is over gives nothing itself; what stands above it still does.
                rows += Assignment.objects.at(at).filter(group_id=above) if above in living else []
                above = parents.get(above)
        for row in rows:
            found |= _applications(row, at)
    return found


def _applications(row: Assignment, at: datetime) -> set[str]:
    if row.application_role is not None:
        return {row.application_role.application_id}
    held = TenantRolePermission.objects.at(at).filter(role=row.tenant_role)
    return set(held.values_list("resource__application_id", flat=True))


def both(company: Company, at: datetime = AT) -> set[str]:
    """The answer, when both give the same."""
    with tenant_scope(company.tenant.id):
        known = set(Application.objects.filter(owner=company.tenant).values_list("id", flat=True))
        expected = walked(company.tenant, at)
        for asked in (known, set(sorted(known)[::2]), {"nobody.knows"}, set()):
            said = holders.peopled(tenant_id=company.tenant.id, application_ids=asked, at=at)
            assert said == expected & asked
        return expected


def test_the_statement_says_what_a_walk_says_while_people_leave(acme: Company) -> None:
    seen = [both(acme)]
    with tenant_scope(acme.tenant.id):
        people = list(User.objects.filter(tenant=acme.tenant).order_by("username"))
    for user in people:
        with tenant_scope(acme.tenant.id):
            UserActivity.objects.at(AT).filter(user=user).update(during=(AT - timedelta(days=9), AT))
        seen.append(both(acme))
    assert seen[-1] == set()
    assert len({len(found) for found in seen}) > 3, "the world is small enough that each departure tells"
    assert both(acme, AT - timedelta(days=5)) >= seen[0]


def test_the_statement_says_what_a_walk_says_while_groups_end(acme: Company) -> None:
    with tenant_scope(acme.tenant.id):
        Assignment.objects.filter(tenant=acme.tenant).exclude(user=None).delete()
    seen = [both(acme)]
    for number in (3, 2, 1):
        with tenant_scope(acme.tenant.id):
            Group.objects.filter(tenant=acme.tenant, name=f"Group {number}").update(
                during=(AT - timedelta(days=9), AT)
            )
        seen.append(both(acme))
    assert seen[0] > seen[-1]


def test_what_is_planned_counts_when_it_begins_and_no_longer_than_it_lasts(acme: Company) -> None:
    moments = [AT + timedelta(days=days) for days in (-400, -10, -8, 8, 10)]
    answers = [frozenset(both(acme, at)) for at in moments]
    assert len(set(answers)) > 1
