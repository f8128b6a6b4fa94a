"""``Idempotency-Key``: what is sent twice is done once, also at the same moment, and told again."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import replies
from tenants.models import HistoryEvent, IdempotentReply, User
from tests.applications.story import Party, party, person
from tests.support import described
from tests.support.once import made_once, savepoint

KEY = "Idempotency-Key"
APPLICATIONS, ACCESS = "application-management", "access-management"
KIM = {"username": "kim", "email": "kim@example.org", "displayName": "Kim"}


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Party]]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield {slug: party(slug) for slug in ("acme", "neighbour")}


@pytest.fixture
def acme(both: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield both["acme"].fork()


def post(
    party: Party, path: str, body: Any, key: str | None = "k-1", api: str = ACCESS, by: Any = None
) -> Any:
    address = f"/iam/{api}/v1/tenants/{party.tenant.id}/{path}"
    headers = {} if key is None else {KEY: key}
    sent = body if isinstance(body, str) else json.dumps(body)
    return (by or party.client).generic("POST", address, sent, "application/json", headers=headers)


def refused(reply: Any, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.content


def kept(party: Party) -> list[IdempotentReply]:
    with tenant_scope(party.tenant.id):
        return list(IdempotentReply.objects.filter(tenant=party.tenant))


def invitations(party: Party) -> int:
    with tenant_scope(party.tenant.id):
        return HistoryEvent.objects.filter(tenant=party.tenant, action="user.invited").count()


def test_sent_twice_it_is_done_once_and_told_again(acme: Party) -> None:
    first = post(acme, "users", KIM)
    spelled = json.dumps(dict(reversed(KIM.items())), indent=2)  # the same body in other words
    for body in (KIM, spelled):
        again = post(acme, "users", body)
        assert (again.status_code, again.content, again["ETag"]) == (201, first.content, first["ETag"])
        assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert invitations(acme) == 1
    refused(post(acme, "users", KIM, key=None), 400, "invalid")  # without a key it is another attempt


def test_the_first_reply_is_told_again_whatever_happened_since(acme: Party) -> None:
    first = post(acme, "users", KIM)
    path = f"/iam/{ACCESS}/v1/tenants/{acme.tenant.id}/users/{first.json()['userId']}/deactivate"
    assert acme.client.post(path, content_type="application/json").status_code == 200
    assert post(acme, "users", KIM).content == first.content


def test_another_body_is_refused_and_another_address_is_another_request(acme: Party) -> None:
    post(acme, "users", KIM)
    refused(post(acme, "users", {**KIM, "displayName": "Kimberly"}), 422, "idempotency_key_reused")
    assert post(acme, "groups", {"name": "Depots"}).status_code == 201
    assert len(kept(acme)) == 2


def test_the_key_of_another_principal_is_another_key(acme: Party, both: dict[str, Party]) -> None:
    first = post(acme, "groups", {"name": "Depots"})
    lee = person(acme, "lee", "access-manager")
    refused(post(acme, "groups", {"name": "Depots"}, by=lee), 400, "invalid")  # the name is taken
    neighbour = both["neighbour"].fork()
    theirs = post(neighbour, "groups", {"name": "Depots"})
    assert theirs.status_code == 201 and theirs.json()["groupId"] != first.json()["groupId"]
    assert [len(kept(each)) for each in (acme, neighbour)] == [1, 1]


def test_who_may_no_more_is_told_nothing_again(acme: Party) -> None:
    lee = person(acme, "lee", "access-manager")
    assert post(acme, "groups", {"name": "Depots"}, by=lee).status_code == 201
    with tenant_scope(acme.tenant.id):
        user = User.objects.get(tenant=acme.tenant, username="lee")
    at = f"/iam/{ACCESS}/v1/tenants/{acme.tenant.id}"
    mine = acme.client.get(f"{at}/assignments?limit=500").json()["items"]
    for row in mine:
        if row["principal"] == {"userId": str(user.id)}:
            assert acme.client.delete(f"{at}/assignments/{row['assignmentId']}").status_code == 204
    refused(post(acme, "groups", {"name": "Depots"}, by=lee), 403, "forbidden")


def test_after_a_day_the_key_is_free(acme: Party) -> None:
    post(acme, "users", KIM)
    with tenant_scope(acme.tenant.id):
        row = IdempotentReply.objects.get(tenant=acme.tenant)
        assert timedelta(hours=23) < row.expires_at - timezone.now() <= timedelta(hours=24)
        IdempotentReply.objects.update(expires_at=timezone.now())
    refused(post(acme, "users", KIM), 400, "invalid")  # done anew: the name is taken
    assert post(acme, "users", {**KIM, "username": "k2", "email": "k2@example.org"}).status_code == 201
    assert len(kept(acme)) == 1


def test_what_was_refused_is_not_kept(acme: Party) -> None:
    refused(post(acme, "users", {**KIM, "email": "none"}), 400, "invalid")
    refused(post(acme, "users", "{"), 400, "parse_error")
    assert kept(acme) == []
    assert post(acme, "users", KIM).status_code == 201


def test_the_key_stands_and_falls_with_the_change(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise replies.StillRunning("as if")

    with monkeypatch.context() as patched:
        patched.setattr(replies, "keep", broken)
        assert post(acme, "users", KIM).status_code == 409
    with monkeypatch.context() as patched:
        patched.setattr(history, "_write", broken)
        assert post(acme, "users", KIM).status_code == 409
    assert (invitations(acme), kept(acme)) == (0, [])
    with tenant_scope(acme.tenant.id):
        assert not User.objects.filter(tenant=acme.tenant, username="kim").exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "käse"])
def test_a_key_that_is_none(acme: Party, key: str) -> None:
    refused(post(acme, "users", KIM, key=key), 400, "invalid")
    assert kept(acme) == []


# --- secrets ------------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_kept_nowhere(acme: Party) -> None:
    application = acme.applications["planner"].id
    hook = {"url": "https://hooks.example.org/x", "types": ["iam.contract.*"]}
    with tenant_scope(acme.tenant.id):
        webhook = post(acme, "webhooks", hook, key=None, api=APPLICATIONS).json()["webhookId"]
    asked = [
        (f"applications/{application}/clients/{application}/secrets", {}, "clientSecret"),
        ("partnerships", {}, "token"),
        ("webhooks", hook, "secret"),
        (f"webhooks/{webhook}/secrets", {}, "secret"),
    ]
    for path, body, name in asked:
        first = post(acme, path, body, api=APPLICATIONS)
        assert first.status_code == 201, first.content
        refused(post(acme, path, body, api=APPLICATIONS), 409, "already_created")
        refused(post(acme, path, {"x": 1}, api=APPLICATIONS), 422, "idempotency_key_reused")
        assert first.json()[name] not in json.dumps([str(vars(row)) for row in kept(acme)])
    assert {row.reply for row in kept(acme)} == {None}


BATCHES = ("tenants/{tenant_id}/assignments:batch", "application/tenants/{tenant_id}/resources:batch")


def test_every_door_that_creates_takes_a_key() -> None:
    document = described.document()
    posts = {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}
    taking = {
        path
        for path, operation in posts.items()
        if any(parameter["name"] == KEY for parameter in operation.get("parameters", []))
    }
    made = {path for path, operation in posts.items() if "201" in operation["responses"]}
    made = {path for path in made if not path.endswith("/par")}  # each push is another (RFC 9126)
    batches = {f"/iam/{ACCESS}/v1/{path}" for path in (*BATCHES, "tenants/{tenant_id}/configuration:apply")}
    assert taking == made | batches
    assert len(taking) >= 15
