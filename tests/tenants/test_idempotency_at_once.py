"""The same request from several threads at the same moment, with real commits."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.actions import replies
from tests.applications.story import Party, party
from tests.tenants.conftest import at_once
from tests.tenants.test_idempotency import ACCESS, KIM, invitations, post, refused


def test_sent_twice_at_once_it_is_done_once(committed_db: None, tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    acme = party("acme")
    forks = [acme.fork() for _ in range(4)]
    found = at_once(*[lambda each=each: post(each, "users", KIM) for each in forks])
    made = [reply for reply in found if reply.status_code == 201]
    assert made and {reply.content for reply in made} == {made[0].content}
    assert {reply.json()["code"] for reply in found if reply not in made} <= {"idempotency_running"}
    assert [reply.content for reply in (post(acme, "users", KIM), post(forks[0], "users", KIM))] == [
        made[0].content
    ] * 2
    assert invitations(acme) == 1
    _while_one_runs(acme)


def _while_one_runs(acme: Party) -> None:
    path = f"/iam/{ACCESS}/v1/tenants/{acme.tenant.id}/groups"
    asked = replies.Asked(tenant=acme.tenant, by=acme.actor, address=path, key="k-2", body={"name": "Depots"})
    with transaction.atomic(), tenant_scope(acme.tenant.id):
        assert replies.claim(asked, at=timezone.now()) is None
        (busy,) = at_once(lambda: post(acme, "groups", {"name": "Depots"}, key="k-2"))
    refused(busy, 409, "idempotency_running")
    assert busy["Retry-After"] == "1"
    assert post(acme, "groups", {"name": "Depots"}, key="k-2").status_code == 201
