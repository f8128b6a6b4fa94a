"""What others made of a role since a form was drawn: for whoever saves over it, to decide knowingly."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accesscontrol.models import TenantRole
from tenants.models import HistoryEvent
from tenants.views import record
from tenants.views.console import ConsolePage

MOST = 30  # lines


def meanwhile(page: ConsolePage, role: TenantRole, revision: int) -> dict[str, Any]:
    """``rows`` of _history.html, and what they came to as ``lines``."""
    rows = HistoryEvent.objects.filter(
        tenant=page.tenant, subject_kind="role", subject_id=str(role.pk), action="role.defined"
    )
    count = max(0, role.revision - revision)
    later = list(rows.order_by("-id")[: min(count, MOST)])
    about: dict[str, Any] = {"tenant": page.tenant, "kind": "role", "object_id": role.pk}
    return {
        "rows": record.since(**about, revision=revision),
        "lines": _told(later[-1].before or {}, later[0].after or {}) if later else [],
    }


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    said = []
    labels = {"name": _("the name"), "description": _("the description")}
    for name, label in labels.items():
        if before.get(name, "") != after.get(name, ""):
            said.append(_("%(field)s is now “%(value)s”") % {"field": label, "value": after.get(name, "")})
    was = {tuple(each) for each in before.get("permissions", [])}
    now = {tuple(each) for each in after.get("permissions", [])}
    said += [_("added: %(what)s") % {"what": _named(each)} for each in sorted(now - was)]
    said += [_("taken out: %(what)s") % {"what": _named(each)} for each in sorted(was - now)]
    if len(said) > MOST:
        more = len(said) - MOST
        said = [*said[:MOST], _("and %(more)d more") % {"more": more}]
    return said


def _named(permission: tuple[str, ...]) -> str:
    application, kind, key, privilege = permission
    words = {"privilege": privilege, "resource": f"{kind}/{key}", "application": application}
    return _("%(privilege)s on %(resource)s of %(application)s") % words
