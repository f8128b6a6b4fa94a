"""Seeds the demo's world by the real actions, as those acts would have been done on their days."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from applications import events
from applications.actions import watch
from applications.models import Application, ApplicationRole, Resource, ResourcePlace, RolePermission
from applications.models.applications import PORTAL_ID
from iam_portal.gate import Actor
from iam_portal.launchers.seed.directory import Directory
from iam_portal.launchers.seed.giving import plan_holdings
from iam_portal.launchers.seed.people import plan_companies
from iam_portal.launchers.seed.plan import Plan
from iam_portal.launchers.seed.shapes import World
from iam_portal.launchers.seed.sharing import plan_applications, plan_partners, plan_shares
from iam_portal.walls import cross_tenant
from tenants import history
from tenants.actions import chain
from tenants.models import HistoryEvent, Tenant, since
from tenants.models.spanned import still_open

_AGE = timedelta(days=420)  # the demo's installation is older than the first company
_SEEDED = "demo.seeded"


def seed(world: World, *, at: datetime) -> int:
    """Make what is missing; the number of acts that were looked at, 0 when all was done by an earlier run.

    An act finds its own result, so that a seeding that was broken off goes on where it stopped. Once all is
    done, nothing is looked at again: people may have changed it meanwhile.
    """
    platform = Tenant.objects.get(is_platform=True)
    if _finished(platform):
        return 0
    plan, directory = Plan(_anchor(world, at)), Directory(world)
    plan_companies(plan, directory)
    plan_applications(plan, directory)
    plan_partners(plan, directory)
    plan_shares(plan, directory)
    plan_holdings(plan, directory)
    done = plan.run()
    watch.run(at=at)  # what began and ended by plan since then has its event, before anybody asks
    with transaction.atomic():
        subject = ("tenant", platform.id, platform.name)
        history.record(action=_SEEDED, tenants=[platform], by=Actor.system("demo"), at=at, subject=subject)
    events.sequence()
    chain.lay_all()
    return done


def _finished(platform: Tenant) -> bool:
    with cross_tenant():
        return HistoryEvent.objects.filter(tenant=platform, action=_SEEDED).exists()


def _anchor(world: World, at: datetime) -> datetime:
    """The day of the first seeding: kept as the age of the portal itself, so that a second run finds it."""
    portal = Application.objects.get(id=PORTAL_ID)
    begun = Tenant.objects.filter(slug__in=[company.slug for company in world.companies[1:]]).exists()
    if begun:
        return portal.during.lower + _AGE
    anchor = datetime(at.year, at.month, at.day, tzinfo=UTC)
    _date_back(anchor - _AGE)
    return anchor


def _date_back(at: datetime) -> None:
    """Let the installation be as old as its story: acts of last year need the portal's roles of last year.

    The one thing here that no action does: a real installation is never older than its first migration.
    """
    with cross_tenant():
        Tenant.objects.filter(is_platform=True).update(created_at=at)
        Application.objects.filter(still_open(), id=PORTAL_ID).update(during=since(at))
        ApplicationRole.objects.filter(still_open(), application_id=PORTAL_ID).update(during=since(at))
        Resource.objects.filter(still_open(), application_id=PORTAL_ID).update(during=since(at))
        portals = ResourcePlace.objects.filter(still_open(), resource__application_id=PORTAL_ID)
        portals.update(during=since(at))
        RolePermission.objects.filter(still_open(), role__application_id=PORTAL_ID).update(during=since(at))
