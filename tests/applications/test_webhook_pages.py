"""Webhooks in the console: every act once, what is drawn once, and what an old page may not do any more."""

import re

import pytest
from django.http import HttpResponse

from applications.models import Webhook
from iam_portal.walls import tenant_scope
from tests.applications.story import Party, person

PUBLIC = "https://receiver.example/hook"


def rows(party: Party) -> list[Webhook]:
    with tenant_scope(party.tenant.id):
        return list(party.tenant.webhooks.order_by("created_at"))


def secret_in(page: HttpResponse) -> str:
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", page.content.decode().replace("&#x2B;", "+"))
    assert found, page.content.decode()
    return found[0]


@pytest.fixture
def made(acme: Party) -> Webhook:
    form = {"url": PUBLIC, "types": ["iam.contract.*"], "single": "iam.role.changed.v1", "note": "Depot"}
    form["seen"] = acme.get("webhooks/new").context["seen"]
    page = acme.post("webhooks/new", **form)
    assert page.status_code == 200
    assert secret_in(page)
    again = acme.post("webhooks/new", **form)
    assert "perhaps the form was sent twice" in again.content.decode()
    [row] = rows(acme)
    return row


def test_a_webhook_is_made_changed_paused_resumed_and_ended(acme: Party, made: Webhook) -> None:
    path = f"webhooks/{made.id}"
    assert made.types == ["iam.contract.*", "iam.role.changed.v1"]
    shown = acme.get(path).content.decode()
    assert "receiver.example" in shown
    assert not re.search(r"whsec_[A-Za-z0-9+/]{8}", shown)
    edit = acme.get(f"{path}/edit")
    form = {name: edit.context["form"].initial[name] for name in ("url", "types", "single", "note")}
    form["types"] = ["iam.contract.*"]
    old = {**form, "note": "Mine", "revision": edit.context["revision"]}
    assert acme.post(f"{path}/edit", **{**old, "note": "Theirs"}).status_code == 302
    late = acme.post(f"{path}/edit", **old)
    assert "changed meanwhile" in late.content.decode()
    assert [(row.note, row.types) for row in rows(acme)] == [("Theirs", made.types)]
    for act, state in (("pause", "paused"), ("resume", "active")):
        shown_confirm = acme.get(f"{path}/{act}").context["confirm"]
        assert acme.post(f"{path}/{act}", revision=shown_confirm["revision"]).status_code == 302
        assert rows(acme)[0].state == state
    assert acme.post(f"{path}/test").status_code == 302
    assert "iam.webhook.test.v1" in acme.get(path).content.decode()
    assert acme.post(f"{path}/end").status_code == 302
    assert acme.post(f"{path}/end").status_code == 404
    assert acme.get(path).status_code == 200, "its record stays"
    assert "receiver.example" not in acme.get("webhooks").content.decode()


def test_a_refused_address_keeps_what_was_typed(acme: Party) -> None:
    form = {"url": "https://10.0.0.1/", "types": ["iam.contract.*"], "single": "iam.nothing.*", "note": "x"}
    page = acme.post("webhooks/new", **form, seen=acme.get("webhooks/new").context["seen"])
    text = page.content.decode()
    assert "private network" in text
    assert "Name a type like" in text
    assert 'value="https://10.0.0.1/"' in text
    assert rows(acme) == []


def test_secrets_by_the_console(acme: Party, made: Webhook) -> None:
    path = f"webhooks/{made.id}/secrets"
    second = secret_in(acme.post(f"{path}/new"))
    assert "two secrets" in acme.post(f"{path}/new").content.decode().replace("2 secrets", "two secrets")
    with tenant_scope(acme.tenant.id):
        first = made.secrets.order_by("during").first()
    assert acme.post(f"{path}/{first.id}/revoke").status_code == 302
    assert acme.post(f"{path}/{first.id}/revoke").status_code == 404
    with tenant_scope(acme.tenant.id):
        [living] = made.secrets.filter(during__endswith__isnull=True)
    assert second.rstrip("=").endswith(living.hint)


def test_reading_is_not_changing(acme: Party, made: Webhook) -> None:
    reader = person(acme, "kim", "organization-configuration-manager")
    page = reader.get(acme.url("webhooks/new"))
    offered = [value for value, _ in page.context["form"].fields["types"].choices]
    assert offered == ["iam.webhook.*"], "what one may read oneself"
    form = {"url": PUBLIC, "types": ["iam.contract.*"], "seen": page.context["seen"]}
    assert reader.post(acme.url("webhooks/new"), form).status_code == 200
    sent = reader.post(acme.url("webhooks/new"), {**form, "types": [], "single": "iam.contract.*"})
    assert "must be able to read" in sent.content.decode()
    assert len(rows(acme)) == 1
