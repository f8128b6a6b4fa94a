"""Setting up the installation: the platform tenant, the portal as its application, the first key."""

from datetime import datetime

from django.db import connection, transaction

from accesscontrol.actions import rotation
from accesscontrol.models import Assignment
from accesscontrol.portal_roles import ROLE_KEYS, manifest
from applications.actions.manifests import declare
from applications.models import Application, ApplicationRole
from applications.models.applications import PORTAL_ID
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.models import Tenant, User, since

PLATFORM_SLUG = "platform"
INSTALLATION = Actor.system("installation")


def install(*, at: datetime, platform_name: str = "Platform") -> Tenant:
    """Idempotent; two processes at once take turns. Called after every migration."""
    by = INSTALLATION
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('iam:install', 0))")
        platform = Tenant.objects.filter(is_platform=True).first()
        if platform is None:
            platform = Tenant(slug=PLATFORM_SLUG, name=platform_name, is_platform=True, created_at=at)
            platform.full_clean()
            platform.save()
        portal, made = Application.objects.get_or_create(
            id=PORTAL_ID,
            defaults={
                "owner": platform,
                "name": "portal",
                "display_name": "IAM portal",
                "during": since(at),
            },
        )
        if made:
            subject = ("application", PORTAL_ID, portal.display_name)
            history.record(action="application.registered", tenants=[platform], by=by, at=at, subject=subject)
        declare(application=portal, manifest=manifest(), by=by, at=at)
    rotation.ensure(at=at)
    return platform


def make_first_administrator(*, tenant: Tenant, user: User, at: datetime, by: Actor = INSTALLATION) -> None:
    """Give a new tenant's first person every portal role. Refused once anybody holds one there.

    ``by`` is who founded the tenant: history names him, and asks nothing of what he holds himself.
    """
    with tenant_scope(tenant.id):
        Tenant.objects.select_for_update(no_key=True).get(id=tenant.id)
        held = Assignment.objects.filter(tenant=tenant, application_role__application_id=PORTAL_ID)
        if held.exists():
            raise ValueError("this organization has had an administrator already")
        roles = ApplicationRole.objects.at(at).filter(application_id=PORTAL_ID, key__in=ROLE_KEYS)
        for role in roles:
            row = Assignment(
                tenant=tenant,
                user=user,
                application_role=role,
                during=since(at),
                created_at=at,
                by_name=INSTALLATION.name,  # an operator's name is not left where a role is explained
            )
            row.full_clean()
            row.save()
        history.record(
            action="tenant.first_administrator",
            tenants=[tenant],
            by=by,
            at=at,
            subject=("user", user.id, user.display_name),
            after={"roles": [role.key for role in roles]},
        )
