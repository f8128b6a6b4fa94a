"""Accounts that nobody uses."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accesscontrol.reports.shapes import Given, Report, Row, in_batches
from tenants.models import User, UserSession
from tenants.models.lookups import is_true, of_outer
from tenants.policies import present


def _idle(given: Given) -> Iterator[list[Row]]:
    """Active people who were not seen for so long, and whose account is as old."""
    until = given.at - timedelta(days=given.days)
    sessions = UserSession.objects.filter(user=OuterRef("pk"), tenant=given.tenant).order_by("-seen_at")
    here = present(tenant_id=given.tenant.id, at=given.at)
    active = is_true(Exists(here.filter(of_outer("pk"))))
    rows = User.objects.filter(active, tenant=given.tenant, created_at__lte=until)
    # When each was seen is asked only of those who are told: filtered by it, it would be asked of everybody.
    rows = rows.filter(~Exists(sessions.filter(seen_at__gte=until)))
    # In the order of an index, person by person: all of them are looked at only where few are told.
    rows = rows.annotate(seen_at=Subquery(sessions.values("seen_at")[:1]), folded=Lower("username"))
    return in_batches(rows, given=given, key="folded", shape=lambda found: [_row(each) for each in found])


def _row(user: Any) -> Row:
    return (user.display_name, user.username, user.email, user.seen_at, user.created_at, str(user.id))


IDLE = Report(
    key="idle-accounts",
    title=_("Accounts without a sign-in"),
    lead=_("Active people who have not been seen in the console or at a sign-in for so many days."),
    icon="user",
    columns=(
        ("name", _("Name")),
        ("username", _("User name")),
        ("email", _("E-mail address")),
        ("lastSeenAt", _("Last seen")),
        ("createdAt", _("Made")),
        ("userId", _("Id")),
    ),
    batches=_idle,
    about=lambda row: ("user", str(row[-1])),
    needs="Users:read",
    asks=("days",),
    days=60,
    most=lambda: settings.PORTAL_SESSION_RETENTION.days,
)
