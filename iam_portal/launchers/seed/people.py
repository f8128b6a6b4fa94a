"""Companies, their people and their groups."""

from datetime import datetime
from functools import partial

from accesscontrol.actions import assignments, portal
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.gate import Actor
from iam_portal.launchers.seed.directory import Directory
from iam_portal.launchers.seed.plan import Plan
from iam_portal.launchers.seed.shapes import Company, Person
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships, users
from tenants.actions import tenants as tenant_actions
from tenants.models import Group, Membership, Tenant, TenantSuspension, User


def password_of(slug: str) -> str:
    """Everybody of a demo company has the same one."""
    return f"correct-horse-{slug}"


def plan_companies(plan: Plan, directory: Directory) -> None:
    """Every company with its people on the day it joined."""
    for company in directory.world.companies:
        _Joining(company, directory).plan(plan)


class _Joining:
    """How one company comes to be."""

    def __init__(self, company: Company, directory: Directory) -> None:
        self.company = company
        self.directory = directory

    def plan(self, plan: Plan) -> None:
        day = self.company.joined
        plan.add(day, 9, self.found)
        for person in self.company.people[1:]:
            plan.add(day + 1, 9, partial(self.hire, person))
        for name, parent in self.company.groups:
            plan.add(day + 2, 9, partial(self.make_group, name, parent))
        for person in self.company.people:
            for name in person.groups:
                plan.add(day + 3, 9, partial(self.join, person, name))
        for name in [name for name, parent in self.company.groups if not parent]:
            plan.add(day + 4, 9, partial(self.let_use, name))
        if self.company.suspended is not None:
            plan.add(self.company.suspended[0], 15, self.suspend)

    def found(self, at: datetime) -> None:
        """The tenant, its first person and his roles."""
        tenant = self._create(at)
        person = self.company.people[0]
        with tenant_scope(tenant.id):
            if User.objects.filter(tenant=tenant, username=person.username).exists():
                return
            user = self._person(person, tenant, Actor.system("installation"), at)
            portal.make_first_administrator(tenant=tenant, user=user, at=at)

    def _create(self, at: datetime) -> Tenant:
        slug, name = self.company.slug, self.company.name
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            operator = self.directory.administrator(portal.PLATFORM_SLUG)
            with tenant_scope(self.directory.tenant(portal.PLATFORM_SLUG).id):
                return tenant_actions.create(name=name, slug=slug, by=operator, at=at)
        if tenant.name != name:
            return tenant_actions.rename(tenant=tenant, name=name, by=Actor.system("installation"), at=at)
        return tenant

    def _person(self, person: Person, tenant: Tenant, by: Actor, at: datetime) -> User:
        return users.create_with_password(
            tenant=tenant,
            username=person.username,
            email=f"{person.username}@{self.company.slug}.example",
            display_name=person.name,
            password=password_of(self.company.slug),
            by=by,
            at=at,
        )

    def hire(self, person: Person, at: datetime) -> None:
        """A person with his portal roles, given by the administrator."""
        tenant, by = self.directory.tenant(self.company.slug), self._administrator()
        with tenant_scope(tenant.id):
            if User.objects.filter(tenant=tenant, username=person.username).exists():
                return
            user = self._person(person, tenant, by, at)
            for role in person.roles:
                wanted = assignments.Wanted(role=role, application_id=PORTAL_ID, user_id=user.id)
                assignments.assign(tenant=tenant, wanted=wanted, by=by, at=at)

    def make_group(self, name: str, parent: str, at: datetime) -> None:
        tenant = self.directory.tenant(self.company.slug)
        with tenant_scope(tenant.id):
            if Group.objects.filter(tenant=tenant, name=name).exists():
                return
            parent_id = self.directory.group(self.company.slug, parent, at).id if parent else None
            groups.create(tenant=tenant, name=name, parent_id=parent_id, by=self._administrator(), at=at)

    def join(self, person: Person, name: str, at: datetime) -> None:
        tenant = self.directory.tenant(self.company.slug)
        user = self.directory.person(self.company.slug, person.username)
        with tenant_scope(tenant.id):
            group = self.directory.group(self.company.slug, name, at)
            if Membership.objects.filter(group=group, user=user).exists():
                return
            by = self._administrator()
            memberships.add(tenant=tenant, group_id=group.id, user_id=user.id, by=by, at=at)

    def let_use(self, name: str, at: datetime) -> None:
        """Everybody in the group, and below it, may use his own account."""
        tenant = self.directory.tenant(self.company.slug)
        with tenant_scope(tenant.id):
            group = self.directory.group(self.company.slug, name, at)
            wanted = assignments.Wanted(role="user", application_id=PORTAL_ID, group_id=group.id)
            if not holds(tenant, wanted):
                assignments.assign(tenant=tenant, wanted=wanted, by=self._administrator(), at=at)

    def suspend(self, at: datetime) -> None:
        """The operator's act, when the company is in trouble."""
        tenant = self.directory.tenant(self.company.slug)
        operator = self.directory.administrator(portal.PLATFORM_SLUG)
        assert self.company.suspended is not None
        with tenant_scope(self.directory.tenant(portal.PLATFORM_SLUG).id):
            if not TenantSuspension.objects.filter(tenant=tenant).exists():
                tenant_actions.suspend(tenant=tenant, reason=self.company.suspended[1], by=operator, at=at)

    def _administrator(self) -> Actor:
        return self.directory.administrator(self.company.slug)


def holds(tenant: Tenant, wanted: assignments.Wanted) -> bool:
    """Whether the principal was ever given this role here, in this way. Asked in the tenant's scope."""
    rows = Assignment.objects.filter(tenant=tenant)
    if wanted.application_id is None:
        rows = rows.filter(tenant_role__key=wanted.role)
    else:
        rows = rows.filter(
            application_role__key=wanted.role, application_role__application_id=wanted.application_id
        )
    way = (wanted.user_id, wanted.group_id, wanted.principal_application_id, wanted.contract_id)
    return way in rows.values_list("user_id", "group_id", "application_id", "contract_id")
