"""The outbox of back-channel logout: what is owed is written with the end itself, and sent by the job."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accesscontrol.models import Authorization, LogoutNotice
from iam_portal.walls import cross_tenant

MOST_ATTEMPTS = 9  # over an hour and a half, as the waits grow
HELD = timedelta(minutes=2)  # longer than a request may take: nobody else sends it meanwhile


def owe(rows: Iterable[Authorization], *, at: datetime) -> None:
    """Their clients have to be told, those that have an address for it. In the tenant's scope."""
    notices = [
        LogoutNotice(
            sid=row.pk, tenant_id=row.tenant_id, client_id=row.client_id, user_id=row.user_id, due_at=at
        )
        for row in rows
        if row.client.backchannel_logout_uri
    ]
    LogoutNotice.objects.bulk_create(notices, ignore_conflicts=True)


def owe_of_sessions(*, tenant_id: UUID, user_id: UUID, at: datetime) -> None:
    """Of all that rested on the person's sessions that ended at this moment."""
    rows = Authorization.objects.filter(
        tenant_id=tenant_id, user_id=user_id, session__ended_at=at, ended_at=None
    )
    owe(rows.exclude(client__backchannel_logout_uri="").select_related("client"), at=at)


def take(*, at: datetime, besides: Collection[UUID] = ()) -> LogoutNotice | None:
    """One that is due, for whoever takes it to send: nobody else sees it for a while.

    ``besides``: organizations whose turn it is not.
    """
    with transaction.atomic(), cross_tenant():  # the job works for all tenants
        due = LogoutNotice.objects.filter(due_at__lte=at).exclude(tenant_id__in=besides)
        locked = due.select_related("client").select_for_update(of=("self",), skip_locked=True)
        row = locked.order_by("due_at", "sid").first()
        if row is not None:
            row.attempts += 1
            row.due_at = at + HELD
            row.save(update_fields=["attempts", "due_at"])
    return row


def are_due(*, at: datetime) -> int:
    """How many wait to be sent; counted to a few."""
    with transaction.atomic(), cross_tenant():
        return LogoutNotice.objects.filter(due_at__lte=at)[:10].count()


def settle(notice: LogoutNotice) -> None:
    """Told, or given up."""
    with transaction.atomic(), cross_tenant():
        LogoutNotice.objects.filter(pk=notice.pk).delete()


def postpone(notice: LogoutNotice, *, until: datetime) -> None:
    """Once more, then."""
    with transaction.atomic(), cross_tenant():
        LogoutNotice.objects.filter(pk=notice.pk).update(due_at=until)
