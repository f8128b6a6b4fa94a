"""Streams of signals, as the application that one is for sets it up (SSF 1.0 §8.1): one in a tenant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet

from applications import events
from applications.actions import webhook_requests, webhooks
from applications.delivery import polling
from applications.delivery.addresses import AddressRefused, receiver
from applications.delivery.readers import set_reader
from applications.delivery.record import recorded, snapshot
from applications.delivery.sealed import seal_header
from applications.models import Application, SignalStream, Webhook, WebhookState
from iam_portal.errors import DomainError, Forbidden, Invalid, NotFound
from iam_portal.gate import Actor
from tenants.models import Tenant
from tenants.models.spanned import clipped

Asked = SignalStream.Asked
OF_ORGANIZATION = ("by_hand", "not_allowed")  # why it is paused, where its receiver did not ask for it


class StreamExists(DomainError):
    """One stream for an application in an organization: it is changed, or ended before another is made."""

    code = "stream_exists"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How it is to be told, of what. ``url`` is ours where it polls; ``header`` None: as before."""

    method: str
    url: str
    types: tuple[str, ...]
    requested: tuple[str, ...]
    header: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """The application itself, in a tenant that it serves."""

    application: Application
    tenant: Tenant
    by: Actor
    at: datetime


def create(where: Where, wanted: Wanted) -> Webhook:
    """From now on it is told of people who work with it there.

    Where the organization has paused or ended the one before, not until its administrators resume this one.
    """
    _require_sound(wanted)
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(id=where.tenant.id)  # of two at once, one is made
        if _living(where).exists():
            raise StreamExists("There is a stream already. Change it, or delete it first.")
        row = Webhook(
            tenant=where.tenant,
            application=where.application,
            form=Webhook.Form.SIGNALS,
            url=wanted.url,
            types=list(wanted.types),
            note=wanted.note,
            position=events.head(),
            created_at=where.at,
            created_by=where.by.name[:200],
        )
        if word := _word_of_organization(where):
            row.state, row.paused_because = WebhookState.PAUSED, word
        set_reader(row, where.by)
        row.full_clean()
        row.save(force_insert=True)
        SignalStream.objects.create(
            webhook=row, tenant=where.tenant, method=wanted.method, requested=list(wanted.requested)
        )
        if wanted.method == SignalStream.Method.PUSH:
            seal_header(row, wanted.header or "", at=where.at)
        recorded(row, "subscribed", by=where.by, at=where.at)
    return row


def change(where: Where, wanted: Wanted) -> Webhook:
    """Another receiver, or other events. What is not acknowledged yet is told there."""
    _require_sound(wanted)
    with transaction.atomic():
        row = locked(where)
        before, former = snapshot(row), row.stream.method
        elsewhere: dict[str, object] = {"urlChanged": True} if wanted.url != row.url else {}
        header = wanted.header
        if elsewhere and former == wanted.method == SignalStream.Method.PUSH and header is None:
            header = ""  # what proves us to one receiver is not said to another
        row.url, row.types, row.note = wanted.url, list(wanted.types), wanted.note
        row.next_attempt_at = None
        row.revision += 1
        row.full_clean()
        row.save()
        stream = row.stream
        stream.method, stream.requested = wanted.method, list(wanted.requested)
        stream.save(update_fields=["method", "requested"])
        _seal(row, former, wanted, header, where.at)
        recorded(row, "changed", by=where.by, at=where.at, before=before, after=elsewhere)
    return row


def end(where: Where) -> None:
    """Tell nothing any more."""
    with transaction.atomic():
        row = locked(where)
        webhooks.close(row, by=where.by, at=where.at, before=snapshot(row))


def set_status(where: Where, status: str) -> Webhook:
    """What the receiver wants (§8.1.2). Disabled, nothing is kept; a pause of the organization's stays."""
    with transaction.atomic():
        row = locked(where)
        stream = row.stream
        paused = row.state == WebhookState.PAUSED
        if paused and stream.asked == Asked.ENABLED and row.paused_because in OF_ORGANIZATION:
            if status == Asked.ENABLED:
                raise Forbidden("The organization has paused this stream. Its administrators can resume it.")
            return row
        if stream.asked == status and paused == (status != Asked.ENABLED):
            return row
        before = snapshot(row)
        if stream.asked == Asked.DISABLED and status == Asked.ENABLED:
            row.position = events.head()
        stream.asked = status
        stream.save(update_fields=["asked"])
        if status == Asked.DISABLED:
            row.offers.all().delete()
        row.state = WebhookState.ACTIVE if status == Asked.ENABLED else WebhookState.PAUSED
        row.paused_because = "" if status == Asked.ENABLED else "by_hand"
        row.attempts, row.failing_since, row.next_attempt_at = 0, None, None
        row.revision += 1
        row.save()
        verb = "resumed" if status == Asked.ENABLED else "paused"
        recorded(row, verb, by=where.by, at=where.at, before=before)
    return row


def verify(where: Where, state: str) -> None:
    """Have a verification sent (§8.1.4). One that waits already is sent with the later state."""
    with transaction.atomic():
        row = locked(where)
        SignalStream.objects.filter(webhook=row).update(verifying=state)
        if row.stream.method == SignalStream.Method.POLL:
            polling.verify(row, uuid4(), at=where.at)
            recorded(row, "tested", by=where.by, at=where.at)
        elif not row.deliveries.filter(outcome="waiting", event_position=0).exists():
            webhook_requests.send_test(tenant=where.tenant, webhook_id=row.id, by=where.by, at=where.at)


def locked(where: Where) -> Webhook:
    """The application's living stream there, for the rest of the transaction; NotFound."""
    row = _living(where).select_for_update(no_key=True, of=("self",)).select_related("stream").first()
    if row is None:
        raise NotFound
    return row


def find(where: Where) -> Webhook | None:
    """The same to be read."""
    return _living(where).select_related("stream").first()


def _living(where: Where) -> QuerySet[Webhook]:
    return _ever(where).filter(ended_at=None)


def _ever(where: Where) -> QuerySet[Webhook]:
    return where.tenant.webhooks.filter(application=where.application, form=Webhook.Form.SIGNALS)


def _word_of_organization(where: Where) -> str:
    """Why the organization had the last one paused when it ended, whoever ended it; empty if it had not."""
    last = _ever(where).select_related("stream").order_by("-ended_at", "-created_at").first()
    if last is None or last.state != WebhookState.PAUSED or last.stream.asked != Asked.ENABLED:
        return ""
    return last.paused_because if last.paused_because in OF_ORGANIZATION else ""


def _seal(row: Webhook, former: str, wanted: Wanted, header: str | None, at: datetime) -> None:
    """The header of now on, where it is another one; none where it polls."""
    push = SignalStream.Method.PUSH
    if header is None and former == wanted.method == push:
        return
    row.secrets.not_over(at).update(during=clipped(at), sealed="")
    if wanted.method == push:
        seal_header(row, header or "", at=at)


def _require_sound(wanted: Wanted) -> None:
    objections = []
    if wanted.method == SignalStream.Method.PUSH:
        try:
            receiver(wanted.url)
        except AddressRefused as refused:
            pointer = "/delivery/endpoint_url"
            objections.append({"pointer": pointer, "code": refused.word, "detail": refused.text})
        header = wanted.header or ""
        if not header.isascii() or not (header.isprintable() or not header) or header != header.strip():
            detail = "This cannot stand in a header."
            pointer = "/delivery/authorization_header"
            objections.append({"pointer": pointer, "code": "malformed", "detail": detail})
    if not wanted.types:
        detail = "None of these events is told here."
        objections.append({"pointer": "/events_requested", "code": "type_unknown", "detail": detail})
    if objections:
        raise Invalid("The stream cannot be accepted. Nothing was changed.", errors=objections)
