"""What one's own things ask for: credentials that end, webhooks that are not received, partners."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.http import address
from applications.models import ClientCertificate, ClientKey, ClientSecret, Webhook
from applications.views._task import ANSWER, BROKEN, ENDS, OPEN, SOON, Task
from applications.views._webhook import BECAUSE
from tenants.actions import partnerships
from tenants.models import Partnership, Tenant, UserActivity, UserLink
from tenants.views.console import ConsolePage
from tenants.views.partner_facts import title_of

WEEK = timedelta(days=7)
MOST = 50  # of each kind
KINDS = {
    "secret": gettext_lazy("Secret …%(hint)s ends"),
    "key": gettext_lazy("Key %(hint)s ends"),
    "certificate": gettext_lazy("Certificate %(hint)s ends"),
}


def credentials(tenant: Tenant, at: datetime) -> list[Task]:
    """Secrets, keys and certificates of own applications that end soon. One query."""
    secrets, keys, certificates = (
        _ending(rows, kind, tenant, at)
        for rows, kind in (
            (ClientSecret.objects.annotate(named=F("hint")), "secret"),
            (ClientKey.objects.annotate(named=F("kid")), "key"),
            (ClientCertificate.objects.annotate(named=F("thumbprint")), "certificate"),
        )
    )
    found = secrets.union(keys, certificates, all=True).order_by("ends")[:MOST]
    return [_credential(row, tenant) for row in found]


def webhooks(tenant: Tenant) -> list[Task]:
    """Those that are paused, and those whose receiver does not take what it is sent. One query."""
    rows = Webhook.objects.filter(tenant=tenant, ended_at__isnull=True)
    troubled = rows.filter(Q(failing_since__isnull=False) | Q(state=Webhook.State.PAUSED)).order_by("id")
    return [_webhook(row, tenant) for row in troubled[:MOST]]


def partners(page: ConsolePage) -> list[Task]:
    """Who accepted waits for our word; whom we invited has not come yet. One query."""
    waiting = Q(state=Partnership.State.REDEEMED, inviter=page.tenant)
    near = Q(expires_at__gt=page.at - SOON, expires_at__lte=page.at + WEEK)
    untaken = Q(near, state=Partnership.State.INVITED, inviter=page.tenant)
    rows = partnerships.of(page.tenant).filter(waiting | untaken).select_related("inviter", "invitee")
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


def _ending(rows: QuerySet[Any], kind: str, tenant: Tenant, at: datetime) -> QuerySet[Any, Any]:
    owned = rows.filter(client__application__owner=tenant, client__application__during__endswith__isnull=True)
    near = owned.filter(during__contains=at, during__endswith__lte=at + SOON)
    kinds = {"kind": Value(kind, output_field=CharField()), "ends": F("during__endswith")}
    columns = ("kind", "named", "note", "client__application_id", "client__application__display_name", "ends")
    return near.annotate(**kinds).values_list(*columns)


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
