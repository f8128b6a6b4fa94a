"""What an issuer publishes of its signals (SSF 1.0 §7.1), and the form of one stream (§8.1.1)."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from accesscontrol.oauth.claims import issuer
from accesscontrol.oauth.signals import kinds
from applications.models import SignalStream, Webhook

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
METHODS = {PUSH: SignalStream.Method.PUSH, POLL: SignalStream.Method.POLL}
LEAST_BETWEEN_VERIFICATIONS = 30  # seconds, as we ask; what comes sooner is sent once


def document(*, tenant_id: object) -> dict[str, Any]:
    """Only what is there: subjects are neither added nor removed, everybody is told of whom it concerns."""
    iss = issuer(settings.PORTAL_BASE_URL, tenant_id)
    return {
        "spec_version": "1_0",
        "issuer": iss,
        "jwks_uri": f"{iss}/protocol/openid-connect/certs",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": url_of("signal-stream", tenant_id),
        "status_endpoint": url_of("signal-status", tenant_id),
        "verification_endpoint": url_of("signal-verify", tenant_id),
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:7617"}, {"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }


def url_of(name: str, tenant_id: object) -> str:
    """The address of a door to the streams."""
    path = reverse(f"access-management:{name}", kwargs={"tenant_id": tenant_id})
    return f"{settings.PORTAL_BASE_URL}{path}"


def stream(webhook: Webhook) -> dict[str, Any]:
    """As its receiver reads it; what it gave as ``authorization_header`` is not said again."""
    push = webhook.stream.method == SignalStream.Method.PUSH
    return {
        "stream_id": str(webhook.pk),
        "iss": issuer(settings.PORTAL_BASE_URL, webhook.tenant_id),
        "aud": webhook.application_id,
        "delivery": {"method": PUSH if push else POLL, "endpoint_url": webhook.url},
        "events_supported": list(kinds.SUPPORTED),
        "events_requested": webhook.stream.requested,
        "events_delivered": kinds.uris_of(webhook.types),
        "min_verification_interval": LEAST_BETWEEN_VERIFICATIONS,
        "description": webhook.note,
    }


def status(webhook: Webhook) -> dict[str, Any]:
    """How it stands (§8.1.2); with a word where somebody else than its receiver has paused it."""
    found: dict[str, Any] = {"stream_id": str(webhook.pk), "status": "enabled"}
    if webhook.state == Webhook.State.PAUSED:
        own = webhook.stream.asked != SignalStream.Asked.ENABLED
        found["status"] = webhook.stream.asked if own else "paused"
        if not own:
            found["reason"] = webhook.paused_because
    return found
