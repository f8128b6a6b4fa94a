"""Roles of applications, given to people, groups and services by the administrators."""

from datetime import datetime
from functools import partial
from uuid import UUID

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.models import TenantRole
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.seed.contracts import STORY
from iam_portal.launchers.seed.directory import Directory
from iam_portal.launchers.seed.people import holds
from iam_portal.launchers.seed.plan import Plan
from iam_portal.launchers.seed.roles import OWN
from iam_portal.launchers.seed.shapes import AUTOMATION, Holding, OwnRole
from iam_portal.launchers.seed.sharing import contract_of
from iam_portal.walls import tenant_scope

AUTOMATION_KEY = "portal-automation"
_AUTOMATED_ON = -350


def plan_holdings(plan: Plan, directory: Directory) -> None:
    """Roles of their own, all holdings, and the portal roles of the two services that act the story."""
    for role in OWN:
        plan.add(role.day, 14, partial(_make, role, directory))
    automated = [
        Holding(tenant=slug, app=PORTAL_ID, role=role, day=_AUTOMATED_ON, service=f"{slug}.{AUTOMATION_KEY}")
        for slug in (STORY.provider, STORY.consumer)
        for role in AUTOMATION
    ]
    for holding in (*automated, *directory.world.holdings):
        until = None if holding.until is None else plan.moment(holding.until)
        plan.add(holding.day, 15, partial(_give, holding, until, directory))


def _make(role: OwnRole, directory: Directory, at: datetime) -> None:
    tenant = directory.tenant(role.tenant)
    asked = [(app, kind, key, each) for app, kind, key, privileges in role.permissions for each in privileges]
    definition = tenant_roles.Definition(
        key=role.key, name=role.name, description=role.description, permissions=asked
    )
    with tenant_scope(tenant.id):
        if not TenantRole.objects.filter(tenant=tenant, key=role.key).exists():
            by = directory.administrator(role.tenant)
            tenant_roles.create(tenant=tenant, definition=definition, by=by, at=at)


def _give(holding: Holding, until: datetime | None, directory: Directory, at: datetime) -> None:
    tenant = directory.tenant(holding.tenant)
    with tenant_scope(tenant.id):
        wanted = assignments.Wanted(
            role=holding.role,
            application_id=holding.app or None,
            user_id=directory.person(holding.tenant, holding.user).id if holding.user else None,
            group_id=directory.group(holding.tenant, holding.group, at).id if holding.group else None,
            principal_application_id=holding.service or None,
            contract_id=_contract_id(holding, directory),
            ends_at=until,
        )
        if not holds(tenant, wanted):
            by = directory.administrator(holding.tenant)
            assignments.assign(tenant=tenant, wanted=wanted, by=by, at=at)


def _contract_id(holding: Holding, directory: Directory) -> UUID | None:
    if not holding.share:
        return None
    share = next(share for share in directory.world.shares if share.key == holding.share)
    contract = contract_of(share, directory)
    assert contract is not None
    return contract.id
