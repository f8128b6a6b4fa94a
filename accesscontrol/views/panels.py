"""Roles on the pages of a person and of a group: those pages ask by signal, the answer is drawn there."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _

from accesscontrol.facts import groups_above
from accesscontrol.models import Assignment
from accesscontrol.views import standing
from accesscontrol.views.standing import Held
from applications.views import role_words
from tenants import signals
from tenants.models import Group, Tenant, User

TEMPLATE = "accesscontrol/_held.html"
OWN_TEMPLATE = "accesscontrol/_own_access.html"
FEW = 4  # roles of one application that stand open on one's own account


@receiver(signals.user_shown)
def roles_of_user(
    *, page: Any, tenant: Tenant, user: User, at: datetime, acting: bool = True, **kwargs: Any
) -> dict[str, Any] | None:
    """What somebody holds, directly and through groups. He himself may always see it."""
    own = page.actor.kind == "user" and page.actor.id == str(user.pk)
    if not own and not page.can("Roles:read"):
        return None
    held = standing.of_user(user, tenant=tenant, at=at)
    if own and not acting:
        return _own(page, held)
    title = _("Your roles") if own else _("Roles")
    return _panel(page, held, title, f"user={user.pk}", acting=acting and page.can("Roles:modify").allowed)


@receiver(signals.group_shown)
def roles_of_group(
    *, page: Any, tenant: Tenant, group: Group, at: datetime, **kwargs: Any
) -> dict[str, Any] | None:
    """What a group holds, itself and from the groups above it."""
    if not page.can("Roles:read"):
        return None
    above = groups_above(group.pk, tenant_id=tenant.pk, at=at)
    rows = list(
        Assignment.objects.not_over(at)
        .filter(tenant=tenant, group_id__in=above)
        .select_related("application_role__application", "tenant_role", "contract__provider", "group")
        .order_by("created_at", "id")
    )
    standings = standing.of_rows(rows, tenant=tenant, at=at)
    held = [
        Held(row, row.group.name if row.group and row.group_id != group.pk else "", standings[row.pk])
        for row in rows
    ]
    return _panel(page, held, _("Roles"), f"group={group.pk}", acting=page.can("Roles:modify").allowed)


def _panel(page: Any, held: Iterable[Held], title: str, query: str, *, acting: bool) -> dict[str, Any]:
    rows = sorted(
        (_row(page, one, acting) for one in held), key=lambda row: (row["application"], row["role"])
    )
    return {
        "template": TEMPLATE,
        "title": title,
        "rows": rows,
        "names": [f"{row['role']} · {row['application']}" for row in rows],
        "adding_url": f"{page.url('accesscontrol:assignment-add')}?{query}" if acting else "",
    }


def _own(page: Any, held: Iterable[Held]) -> dict[str, Any]:
    """Application by application: whoever has many roles of one finds the others all the same."""
    panel = _panel(page, held, _("Where you have access"), "", acting=False)
    found = groupby(panel["rows"], key=lambda row: row["application"])
    groups = [(application, list(rows)) for application, rows in found]
    shown = [
        {"application": application, "rows": rows, "folded": len(rows) > FEW} for application, rows in groups
    ]
    return {**panel, "template": OWN_TEMPLATE, "groups": shown}


def _row(page: Any, one: Held, acting: bool) -> dict[str, Any]:
    row = one.row
    through = [_("through the group %(name)s") % {"name": one.group}] if one.group else []
    if row.contract is not None:
        through.append(_("on the data of %(name)s") % {"name": row.contract.provider.name})
    return {
        "role": str(row.application_role or row.tenant_role),
        "application": application_of(row),
        "note": ", ".join(through),
        "during": row.during,
        "standing": one.standing,
        "withdraw_url": page.url("accesscontrol:assignment-withdraw", assignment_id=row.pk)
        if acting and not one.group
        else "",
    }


def application_of(row: Assignment) -> str:
    """The application's name; an organization's own roles belong to none."""
    if row.application_role is None:
        return _("own role")
    application = row.application_role.application
    return role_words.named(str(application), application.pk)
