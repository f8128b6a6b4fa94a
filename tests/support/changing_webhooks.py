"""Doors that change where events go, and what a directory shows, opened with success."""

from datetime import timedelta

from accesscontrol.actions import scim_tokens
from applications.actions import webhook_secrets, webhooks
from applications.models import WebhookDelivery
from iam_portal.walls import tenant_scope
from tests.support.changing import Change, Prepared, Stage
from tests.support.changing_rest import ACCESS, SHARING
from tests.support.factories import acting

WEBHOOK = f"{SHARING}/webhooks/{{webhook_id}}"


def hook_paused(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        webhooks.pause(webhook_id=stage.mine.webhook_id, **stage.own)
    return {}


def two_secrets(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        made, _ = webhook_secrets.rotate(webhook_id=stage.mine.webhook_id, **stage.own)
    return {"secret_id": made.id}


def directory(stage: Stage) -> Prepared:
    given = {"note": "Directory", "welcome": "none", "expires_at": stage.at + timedelta(days=9)}
    with tenant_scope(stage.mine.tenant.id):
        made, _ = scim_tokens.make(**{**given, **stage.own, "by": acting(stage.mine.user)})
    return {"token_id": made.id}


def delivered(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        rows = WebhookDelivery.objects.filter(id=stage.mine.delivery_id)
        rows.update(outcome="delivered", event_type="iam.contract.accepted.v1")
    return {}


def undelivered(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        rows = WebhookDelivery.objects.filter(id=stage.mine.delivery_id)
        rows.update(outcome="failed", event_type="iam.contract.accepted.v1")
    return {}


CHANGES: dict[str, list[Change]] = {
    f"POST {SHARING}/webhooks": [Change({"url": "https://x.example/hook", "types": ["iam.contract.*"]})],
    f"PATCH {WEBHOOK}": [Change({"note": "Better"})],
    f"DELETE {WEBHOOK}": [Change()],
    f"POST {WEBHOOK}/pause": [Change()],
    f"POST {WEBHOOK}/resume": [Change(before=hook_paused)],
    f"POST {WEBHOOK}/test": [Change()],
    f"POST {WEBHOOK}/deliveries/{{delivery_id}}/redeliver": [Change(before=delivered)],
    f"POST {WEBHOOK}/redeliver": [Change({"since": "2020-01-01T00:00:00Z"}, before=undelivered)],
    f"POST {ACCESS}/scim-tokens": [Change({"note": "Directory"})],
    f"DELETE {ACCESS}/scim-tokens/{{token_id}}": [Change(before=directory)],
    f"POST {WEBHOOK}/secrets": [Change()],
    f"DELETE {WEBHOOK}/secrets/{{secret_id}}": [Change(before=two_secrets)],
}
