"""What one's own things ask for: credentials that end, webhooks that are not received, partners."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.http import address
from applications.models.webhooks import WebhookState
from applications.views._task import ANSWER, BROKEN, ENDS, OPEN, SOON, Task
from applications.views._webhook import BECAUSE
from tenants.models import Partnership, Tenant
from tenants.views.console import ConsolePage
from tenants.views.partner_facts import invitation

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


_WEBHOOKS = """
SELECT id, url, state, paused_because, failing_since FROM applications_webhook
WHERE tenant_id = %(tenant)s AND ended_at IS NULL AND (failing_since IS NOT NULL OR state = 'paused')
ORDER BY id LIMIT %(most)s
"""


def webhooks(tenant: Tenant) -> list[Task]:
    """Those that are paused, and those whose receiver does not take what it is sent. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_WEBHOOKS, {"tenant": tenant.id, "most": MOST})
        return [_webhook(row, tenant) for row in cursor.fetchall()]


# Found by the index of those that were invited; of the few that are told, the rest is read.
_PARTNERS = """
SELECT id, state, (SELECT name FROM tenants_tenant WHERE id = p.invitee_id), expected_slug,
    redeemed_at, expires_at
FROM tenants_partnership p
WHERE id = ANY(ARRAY(
    SELECT id FROM tenants_partnership
    WHERE inviter_id = %(tenant)s
        AND (state = 'redeemed' OR state = 'invited' AND expires_at > %(since)s AND expires_at <= %(until)s)
    ORDER BY invited_at, id LIMIT %(most)s))
ORDER BY invited_at, id
"""


def partners(page: ConsolePage) -> list[Task]:
    """Who accepted waits for our word; whom we invited has not come yet. One query."""
    near: dict[str, Any] = {"since": page.at - SOON, "until": page.at + WEEK}
    with connection.cursor() as cursor:
        cursor.execute(_PARTNERS, {"tenant": page.tenant.id, "most": MOST, **near})
        return [_partnership(row, page) for row in cursor.fetchall()]


_LATE = """
WITH late AS MATERIALIZED (
    SELECT u.id, u.display_name FROM tenants_user u
    WHERE u.tenant_id = %(tenant)s AND u.deleted_at IS NULL AND starts_with(u.password, %(unusable)s)
        AND EXISTS (SELECT FROM tenants_useractivity a
            WHERE a.user_id = u.id AND a.during @> %(at)s::timestamptz)
        AND EXISTS (SELECT FROM tenants_userlink l WHERE l.user_id = u.id AND l.used_at IS NULL)
        AND NOT EXISTS (SELECT FROM tenants_userlink l
            WHERE l.user_id = u.id AND l.used_at IS NULL AND l.expires_at > %(at)s)
)
SELECT (SELECT count(*) FROM late), ARRAY(SELECT display_name FROM late ORDER BY display_name, id LIMIT 3)
"""


def people(page: ConsolePage) -> list[Task]:
    """Who was invited, has set no password, and whose link has ended. One query."""
    values: dict[str, Any] = {"tenant": page.tenant.id, "at": page.at, "unusable": UNUSABLE_PASSWORD_PREFIX}
    with connection.cursor() as cursor:
        cursor.execute(_LATE, values)
        count, names = cursor.fetchone()
    if not count:
        return []
    words = ngettext("%(count)d invited person", "%(count)d invited people", count) % {"count": count}
    said = _("Not taken up; the link ended: %(names)s") % {"names": ", ".join(names)}
    url = f"{page.url('tenants:user-list')}?state=invited"
    return [Task(OPEN, "user", words, said, None, {"label": _("Look"), "url": url})]


def _credential(row: Any, tenant: Tenant) -> Task:
    kind, hint, note, application_id, application, ends = row
    said = str(KINDS[kind]) % {"hint": hint[:12]}
    url = address("application-credentials", tenant.slug, application_id=application_id)
    text = f"{application} · {note}" if note else application
    return Task(ENDS, "key", text, said, ends, {"label": _("Renew"), "url": url})


def _webhook(row: Any, tenant: Tenant) -> Task:
    pk, receiver, state, because, failing_since = row
    action = {"label": _("Look"), "url": address("webhook-detail", tenant.slug, webhook_id=pk)}
    if state == WebhookState.PAUSED:
        rank = OPEN if because == "by_hand" else BROKEN
        said = _("Webhook paused. %(why)s") % {"why": BECAUSE[because]}
        return Task(rank, "bell", receiver, said, None, action)
    return Task(BROKEN, "bell", receiver, _("Webhook not received since"), failing_since, action)


def _partnership(row: Any, page: ConsolePage) -> Task:
    pk, state, name, expected, redeemed_at, expires_at = row
    url, title = page.url("tenants:partner-detail", partnership_id=pk), name or invitation(expected)
    if state == Partnership.State.REDEEMED:
        note = _("Accepted your invitation")
        return Task(ANSWER, "partners", title, note, redeemed_at, {"label": _("Confirm"), "url": url})
    note = _("Not taken up; the link ends") if expires_at > page.at else _("Not taken up; the link ended")
    return Task(OPEN, "link", title, note, expires_at, {"label": _("Open"), "url": url})
