"""Rows of the access review as its page draws them: who, which role, what it allows, and why it counts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accesscontrol.actions.assigned import INSTALLATION
from accesscontrol.decide import Permission
from accesscontrol.review import SERVICE, USER, Change
from accesscontrol.serializers.review import permissions_of
from accesscontrol.views import linking, naming
from applications.models import Application
from iam_portal.decision import Decision
from iam_portal.templatetags.held import allowed_list
from tenants.views.console import ConsolePage
from tenants.views.wording import address

CHANGES = {
    "gained": ("in_force", gettext_lazy("Gained")),
    "lost": ("ended", gettext_lazy("Lost")),
    "changed": ("scheduled", gettext_lazy("Changed")),
}
_OPENS = {"user": "Users:read", "application": "Modules:read"}
_MOST = 12  # resources of a role in one row
# By what somebody holds: the resources that are shown of it, and how many more there are.
Allowed = Mapping[frozenset[Permission], tuple[list[dict[str, Any]], int]]


class Names(NamedTuple):
    """What roles and resources of the application are called."""

    roles: naming.RoleNames
    resources: Mapping[tuple[str, str], str]


def drawn(
    page: ConsolePage,
    application: Application,
    changes: Sequence[Change],
    *,
    roles: Collection[str],
    resource: str,
    ask_url: str,
) -> tuple[naming.RoleNames, list[dict[str, Any]]]:
    """As ``review_rows`` draws them, and the names of ``roles``. Resources like that one come first.

    ``ask_url``: where to ask what somebody may do. Why a role counts is said once for all who hold it.
    """
    allowed = {held: _allowed(held, resource) for held in _amounts(changes)}
    names = _names(page, application, roles, changes, allowed)
    worded = {held: _worded(each, names) for held, each in allowed.items()}
    reasons = {change.line.role.reasons for change in changes}
    whys = {each: linking.why(Decision.yes(*each), page) for each in reasons}
    rows = []
    for change in changes:
        row = _row(page, change, names)
        row["permissions"] = worded[change.line.permissions]
        row["before"] = worded[change.before] if change.what == "changed" else {}
        row["why"] = whys[change.line.role.reasons]
        asked = f"{ask_url}?who={row.pop('who')}&application={application.pk}"
        row["ask_url"] = asked if ask_url else ""
        rows.append(row)
    return names.roles, rows


def _amounts(changes: Iterable[Change]) -> set[frozenset[Permission]]:
    """What the rows tell of: those who hold the same role share it."""
    return {held for change in changes for held in (change.line.permissions, change.before)}


def _allowed(permissions: Iterable[Permission], resource: str) -> tuple[list[dict[str, Any]], int]:
    """By resource, those first that were asked for; and how many more: a role may allow hundreds."""
    part = resource.casefold()
    every = permissions_of(permissions)
    every.sort(key=lambda one: part not in f"{one['resourceType']}/{one['resourceId']}".casefold())
    return every[:_MOST], max(0, len(every) - _MOST)


def _names(
    page: ConsolePage,
    application: Application,
    roles: Collection[str],
    shown: Sequence[Change],
    allowed: Allowed,
) -> Names:
    """Of every role that can be filtered by, and of the resources in the rows shown."""
    told = {(one["resourceType"], one["resourceId"]) for every, _more in allowed.values() for one in every}
    return Names(
        naming.roles(page.tenant, application.pk, {*roles, *(change.line.role.key for change in shown)}),
        naming.resources(page.tenant, application.pk, told),
    )


def _row(page: ConsolePage, change: Change, names: Names) -> dict[str, Any]:
    line = change.line
    kind = "user" if line.kind == USER else "application"
    state, word = CHANGES.get(change.what, ("", ""))
    elsewhere = line.role.scope_tenant_id != str(page.tenant.pk)
    return {
        "name": line.name,
        "url": address(page.slug, kind, line.principal_id) if page.can(_OPENS[kind]) else "",
        "kind": _("service") if line.kind == SERVICE else "",
        "role": line.role.key,
        "role_name": names.roles.of(line.role),
        "own_role": line.role.relation == "tenant",
        "elsewhere": elsewhere,
        "lost": change.what == "lost",
        "state": state,
        "word": word,
        "through": [(way.via, _giver(way.by)) for way in line.through],
        "who": f"{kind}:{line.principal_id}",
    }


def _worded(allowed: tuple[list[dict[str, Any]], int], names: Names) -> dict[str, Any]:
    """With names, drawn once for all who hold it. A resource without a name is told by its type and id."""
    shown, more = allowed
    known = [
        {**one, "name": names.resources.get((one["resourceType"], one["resourceId"]), "")} for one in shown
    ]
    return {"shown": known, "more": more, "drawn": allowed_list(known, more)}


def _giver(by: str) -> str:
    """Who gave it; the installation is nobody's name."""
    return _("the installation") if by == INSTALLATION else by
