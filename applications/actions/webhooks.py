"""Subscriptions of a tenant: made, changed, paused, resumed, ended."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications import events, streams
from applications.delivery.addresses import AddressRefused, receiver
from applications.delivery.readers import lacking, set_reader
from applications.delivery.record import recorded, snapshot
from applications.delivery.sealed import seal_new
from applications.models import Application, SignalStream, Webhook, WebhookState
from applications.policies import Stale, own_application
from iam_portal.errors import DomainError, Forbidden, Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants.models import Tenant
from tenants.models.spanned import clipped

MOST_WEBHOOKS, MOST_TYPES = 50, 20


class TooManyWebhooks(DomainError):
    """One has to be ended first."""

    code = "too_many_webhooks"


class OfApplication(DomainError):
    """Address and types of a stream of signals are the receiver's to say."""

    code = "stream_of_application"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is subscribed to, and where it is sent."""

    url: str
    types: tuple[str, ...]
    note: str = ""
    application_id: str | None = None


def subscribe(*, tenant: Tenant, wanted: Wanted, by: Actor, at: datetime) -> tuple[Webhook, str]:
    """A new subscription from now on. Returns it and its secret, which is shown once.

    The actor must be able to read every type himself: nobody sends himself what he may not see.
    """
    wanted = replace(wanted, types=tuple(dict.fromkeys(wanted.types)))
    _require_sound(wanted)
    with transaction.atomic():
        application = _application(tenant, wanted.application_id)
        _require_readable(tenant, wanted, by, at)
        Tenant.objects.select_for_update(no_key=True).get(id=tenant.id)  # two at once are counted
        if tenant.webhooks.filter(ended_at=None, form=Webhook.Form.EVENTS).count() >= MOST_WEBHOOKS:
            raise TooManyWebhooks(
                said(
                    "At most %(most_webhooks)s subscriptions. End one first.",
                    {"most_webhooks": MOST_WEBHOOKS},
                )
            )
        row = Webhook(
            tenant=tenant,
            application=application,
            url=wanted.url,
            types=list(wanted.types),
            note=wanted.note,
            position=events.head(),  # of all tenants' events together, also where all are pruned
            created_at=at,
            created_by=by.name[:200],
        )
        set_reader(row, by)
        row.full_clean()
        row.save(force_insert=True)
        _, value = seal_new(row, at=at)
        recorded(row, "subscribed", by=by, at=at)
    return row, value


def change(
    *,
    tenant: Tenant,
    webhook_id: UUID,
    by: Actor,
    at: datetime,
    url: str | None = None,
    types: tuple[str, ...] | None = None,
    note: str | None = None,
    revision: int | None = None,
) -> Webhook:
    """Change what is given, the rest stays. Asked as for a new one: the events may go elsewhere now."""
    with transaction.atomic():
        row = lock(tenant=tenant, webhook_id=webhook_id, revision=revision)
        require_own(row)
        wanted = Wanted(
            url=row.url if url is None else url,
            types=tuple(dict.fromkeys(row.types if types is None else types)),
            note=row.note if note is None else note,
            application_id=row.application_id,
        )
        _require_sound(wanted)
        _require_readable(tenant, wanted, by, at)
        before = snapshot(row)
        if (row.url, row.types, row.note) == (wanted.url, list(wanted.types), wanted.note):
            return row
        # History shows the host alone; this much of the rest it has to say.
        elsewhere: dict[str, object] = {"urlChanged": True} if wanted.url != row.url else {}
        row.url, row.types, row.note = wanted.url, list(wanted.types), wanted.note
        row.next_attempt_at = None  # what held it up may be mended
        set_reader(row, by)
        _finish(row, "changed", by=by, at=at, before=before, after=elsewhere)
    return row


def pause(
    *, tenant: Tenant, webhook_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Webhook:
    """Send nothing until it is resumed; the position stays. One that is paused already stays as it is."""
    with transaction.atomic():
        row = lock(tenant=tenant, webhook_id=webhook_id, revision=revision)
        _take_over(row)
        if row.state == WebhookState.ACTIVE:
            before = snapshot(row)
            row.state, row.paused_because, row.next_attempt_at = WebhookState.PAUSED, "by_hand", None
            _finish(row, "paused", by=by, at=at, before=before)
    return row


def resume(
    *, tenant: Tenant, webhook_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> Webhook:
    """Go on at the event that was not delivered, with three new days. Asked as for a new one."""
    with transaction.atomic():
        row = lock(tenant=tenant, webhook_id=webhook_id, revision=revision)
        _take_over(row)
        if row.state == WebhookState.PAUSED:
            types, own = row.types, row.own_stream_of
            require_readable(tenant=tenant, types=types, application_id=own, by=by, at=at)
            before = snapshot(row)
            set_reader(row, by)
            row.state, row.paused_because = WebhookState.ACTIVE, ""
            row.attempts, row.failing_since, row.next_attempt_at = 0, None, None
            _finish(row, "resumed", by=by, at=at, before=before)
    return row


def end(*, tenant: Tenant, webhook_id: UUID, by: Actor, at: datetime, revision: int | None = None) -> None:
    """Send nothing any more. Its secrets are forgotten, its deliveries stay for their time.

    A stream of signals ends paused by the organization: one that the application makes anew begins so.
    """
    with transaction.atomic():
        row = lock(tenant=tenant, webhook_id=webhook_id, revision=revision)
        before = snapshot(row)
        _take_over(row)
        if row.signals:
            row.state, row.paused_because = WebhookState.PAUSED, "by_hand"
        close(row, by=by, at=at, before=before)


def close(row: Webhook, *, by: Actor, at: datetime, before: dict[str, object]) -> None:
    """End this one, which is locked, as it stands."""
    row.ended_at = at
    row.secrets.all().update(sealed="")
    row.secrets.not_over(at).update(during=clipped(at))
    row.deliveries.filter(outcome="waiting").delete()
    row.offers.all().delete()
    _finish(row, "ended", by=by, at=at, before=before)


def lock(*, tenant: Tenant, webhook_id: UUID, revision: int | None = None) -> Webhook:
    """A living subscription of the tenant, locked; NotFound, alike for a foreign one; Stale."""
    rows = tenant.webhooks.select_for_update(no_key=True, of=("self",))
    row = rows.filter(id=webhook_id, ended_at=None).first()
    if row is None:
        raise NotFound
    if revision is not None and revision != row.revision:
        raise Stale(
            "The subscription was changed meanwhile. Nothing was changed by you.",
            data={"revision": f"r-{row.revision}"},
        )
    return row


def require_own(webhook: Webhook) -> None:
    """What an application asked to be told about people is the application's: it can be paused and ended."""
    if webhook.signals:
        raise OfApplication("An application has set this stream up. Here it can be paused and ended.")


def require_readable(
    *, tenant: Tenant, types: Collection[str], application_id: str | None, by: Actor, at: datetime
) -> None:
    """Forbidden, with all that is missing, unless the actor may read events of these types himself."""
    missing, reasons = lacking(tenant_id=tenant.id, types=types, application_id=application_id, by=by, at=at)
    if missing:
        text = said(
            "To have these events sent, you must be able to read them: %(missing)s.",
            {"missing": "; ".join(missing)},
        )
        raise Forbidden(text, reasons=tuple(reasons))


def _take_over(row: Webhook) -> None:
    """An organization's word on a stream of signals stands above the receiver's, which cannot undo it."""
    if row.signals:
        SignalStream.objects.filter(webhook=row).update(asked=SignalStream.Asked.ENABLED)


def _finish(
    row: Webhook,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    before: dict[str, object],
    after: dict[str, object] | None = None,
) -> None:
    row.revision += 1
    row.full_clean()
    row.save()
    recorded(row, verb, by=by, at=at, before=before, after=after)


def _require_readable(tenant: Tenant, wanted: Wanted, by: Actor, at: datetime) -> None:
    own = wanted.application_id
    require_readable(tenant=tenant, types=wanted.types, application_id=own, by=by, at=at)


def _application(tenant: Tenant, application_id: str | None) -> Application | None:
    return None if application_id is None else own_application(tenant=tenant, application_id=application_id)


def _require_sound(wanted: Wanted) -> None:
    """Every objection to address and types at once."""
    errors = []
    try:
        receiver(wanted.url)
    except AddressRefused as refused:
        errors.append({"pointer": "/url", "code": refused.word, "detail": refused.text})
    if not 1 <= len(wanted.types) <= MOST_TYPES:
        detail = said("Name one to %(most_types)s types of events.", {"most_types": MOST_TYPES})
        errors.append({"pointer": "/types", "code": "types_count", "detail": detail})
    for index, type in enumerate(wanted.types[:MOST_TYPES]):
        if objection := _objection(type, wanted.application_id):
            errors.append({"pointer": f"/types/{index}", "code": "type_unknown", "detail": objection})
    if errors:
        raise Invalid("The subscription cannot be accepted. Nothing was changed.", errors=errors)


def _objection(type: str, application_id: str | None) -> str:
    if not streams.permissions_for(type):
        known = ", ".join(f"{prefix}*" for prefix in streams.SHOWN_BY)
        return said("Name a type like iam.contract.ended.v1, or one of %(known)s.", {"known": known})
    if application_id is not None and not streams.told_to_application(type):
        return "An application is told of its availability and of its declared roles only."
    return ""
