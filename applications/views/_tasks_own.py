"""What one's own things ask for: credentials that end, webhooks that are not received, partners."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.http import address
from applications.models import Webhook
from applications.views._task import ANSWER, BROKEN, ENDS, OPEN, SOON, Task
from applications.views._webhook import BECAUSE
from tenants.models import Partnership, Tenant, UserActivity, UserLink
from tenants.models.lookups import among
from tenants.views.console import ConsolePage
from tenants.views.partner_facts import title_of

WEEK = timedelta(days=7)
MOST = 50  # of each kind
KINDS = {
    "secret": gettext_lazy("Secret …%(hint)s ends"),
    "key": gettext_lazy("Key %(hint)s ends"),
    "certificate": gettext_lazy("Certificate %(hint)s ends"),
}


_CREDENTIALS = """
SELECT kind, named, k.note, a.id, a.display_name, upper(k.during)
FROM applications_application a
JOIN applications_client c ON c.application_id = a.id
CROSS JOIN LATERAL (
    SELECT 'secret', hint, note, during FROM applications_clientsecret WHERE client_id = c.id
    UNION ALL SELECT 'key', kid, note, during FROM applications_clientkey WHERE client_id = c.id
    UNION ALL SELECT 'certificate', thumbprint, note, during FROM applications_clientcertificate
        WHERE client_id = c.id
) AS k(kind, named, note, during)
WHERE a.owner_id = %(tenant)s AND upper(a.during) IS NULL
    AND k.during @> %(at)s::timestamptz AND upper(k.during) <= %(soon)s
ORDER BY upper(k.during), k.named LIMIT %(most)s
"""


def credentials(tenant: Tenant, at: datetime) -> list[Task]:
    """Secrets, keys and certificates of own applications that end soon. One query."""
    values: dict[str, Any] = {"tenant": tenant.id, "at": at, "soon": at + SOON, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_CREDENTIALS, values)
        return [_credential(row, tenant) for row in cursor.fetchall()]


def webhooks(tenant: Tenant) -> list[Task]:
    """Those that are paused, and those whose receiver does not take what it is sent. One query."""
    rows = Webhook.objects.filter(tenant=tenant, ended_at__isnull=True)
    troubled = rows.filter(Q(failing_since__isnull=False) | Q(state=Webhook.State.PAUSED)).order_by("id")
    return [_webhook(row, tenant) for row in troubled[:MOST]]


def partners(page: ConsolePage) -> list[Task]:
    """Who accepted waits for our word; whom we invited has not come yet. One query."""
    waiting = Q(state=Partnership.State.REDEEMED)
    near = Q(expires_at__gt=page.at - SOON, expires_at__lte=page.at + WEEK)
    untaken = Q(near, state=Partnership.State.INVITED)
    asking = Partnership.objects.filter(waiting | untaken, inviter=page.tenant)
    rows = Partnership.objects.filter(among("pk", asking))
    rows = rows.select_related("inviter", "invitee")
    return [_partnership(row, page) for row in rows.order_by("invited_at", "id")[:MOST]]


def people(page: ConsolePage) -> list[Task]:
    """Who was invited, has set no password, and whose link has ended. Two queries."""
    links = UserLink.objects.filter(user=OuterRef("pk"), used_at=None)
    invited = page.tenant.users.filter(deleted_at=None, password__startswith=UNUSABLE_PASSWORD_PREFIX)
    active = Exists(UserActivity.objects.at(page.at).filter(user=OuterRef("pk")))
    late = invited.filter(active, Exists(links), ~Exists(links.filter(expires_at__gt=page.at)))
    count = late.count()
    if not count:
        return []
    names = late.order_by("display_name", "pk").values_list("display_name", flat=True)[:3]
    words = ngettext("%(count)d invited person", "%(count)d invited people", count)
    said = _("Not taken up; the link ended: %(names)s") % {"names": ", ".join(names)}
    url = f"{page.url('tenants:user-list')}?state=invited"
    return [Task(OPEN, "user", words % {"count": count}, said, None, {"label": _("Look"), "url": url})]


def _credential(row: Any, tenant: Tenant) -> Task:
    kind, hint, note, application_id, application, ends = row
    said = str(KINDS[kind]) % {"hint": hint[:12]}
    url = address("application-credentials", tenant.slug, application_id=application_id)
    text = f"{application} · {note}" if note else application
    return Task(ENDS, "key", text, said, ends, {"label": _("Renew"), "url": url})


def _webhook(row: Webhook, tenant: Tenant) -> Task:
    url = address("webhook-detail", tenant.slug, webhook_id=row.id)
    action = {"label": _("Look"), "url": url}
    if row.state == Webhook.State.PAUSED:
        rank = OPEN if row.paused_because == "by_hand" else BROKEN
        said = _("Webhook paused. %(why)s") % {"why": BECAUSE[row.paused_because]}
        return Task(rank, "bell", row.url, said, None, action)
    return Task(BROKEN, "bell", row.url, _("Webhook not received since"), row.failing_since, action)


def _partnership(row: Partnership, page: ConsolePage) -> Task:
    url = page.url("tenants:partner-detail", partnership_id=row.pk)
    title = title_of(row, page.tenant)
    if row.state == Partnership.State.REDEEMED:
        note = _("Accepted your invitation")
        return Task(ANSWER, "partners", title, note, row.redeemed_at, {"label": _("Confirm"), "url": url})
    note = _("Not taken up; the link ends") if row.expires_at > page.at else _("Not taken up; the link ended")
    return Task(OPEN, "link", title, note, row.expires_at, {"label": _("Open"), "url": url})
