"""On whose right a subscription is sent: nobody is sent what he may not read himself, now or any more."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from applications import streams
from applications.models import Webhook
from iam_portal.decision import Reason
from iam_portal.gate import Actor, Permission, gate

# Who may read an application's own stream is who may make credentials for it.
OWN_STREAM = "Modules:modify"


def lacking(
    *, tenant_id: UUID, types: Collection[str], application_id: str | None, by: Actor, at: datetime
) -> tuple[list[str], list[Reason]]:
    """Permissions without which the actor may not read events of these types, and why he has them not."""
    may = gate().answers(actor=by, tenant_id=tenant_id, at=at)
    needed = {streams.permissions_for(type) for type in types}
    if application_id is not None:
        needed.add(Permission.alternatives(OWN_STREAM))
    missing: list[str] = []
    reasons: list[Reason] = []
    for alternatives in sorted(needed, key=str):
        answers = [may(permission) for permission in alternatives]
        if not any(answers):
            missing.append(" or ".join(map(str, alternatives)))
            reasons += [reason for answer in answers for reason in answer.reasons]
    return missing, reasons


def set_reader(webhook: Webhook, by: Actor) -> None:
    """From now on it is sent on the right of this actor, who has just been asked for it."""
    webhook.reader_kind, webhook.reader_id = by.kind, by.id


def still_may(webhook: Webhook, *, at: datetime) -> bool:
    """Whether the one on whose right it is sent may read all of its types in its tenant at the moment.

    Of signals each one is asked for itself: an application needs no role to be told of who works in it.
    """
    if webhook.signals:
        return True
    reader = Actor(webhook.reader_kind, webhook.reader_id, "", webhook.tenant_id)
    missing, _ = lacking(
        tenant_id=webhook.tenant_id,
        types=webhook.types,
        application_id=webhook.application_id,
        by=reader,
        at=at,
    )
    return not missing
