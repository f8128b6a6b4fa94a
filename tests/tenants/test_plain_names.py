"""The portal's mailbox says what the portal has to say: no name brings text of its own into a mail."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.models import User
from tests.applications.story import Party, party
from tests.support.factories import PASSWORD
from tests.support.once import made_once, savepoint

VICTIM = "victim@elsewhere.example"
LURE = "Dear customer, your prize waits at prize.example"
UNSOUND = {
    "a line": "Jane\n\nWin at prize.example",
    "a return": "Jane\rRoe",
    "a tab": "Jane\tRoe",
    "a paragraph": "Jane\u2029Roe",
    "turned around": "Jane \u202eeoR",
    "isolated": "Jane \u2066Roe\u2069",
    "a mark of direction": "Jane\u200fRoe",
    "not seen": "Ja\u200bne",
}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(made: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    del mail.outbox[:]
    with savepoint(django_db_blocker):
        yield made.fork()


def own(acme: Party, name: str) -> Any:
    initial = acme.get("account/change").context["form"].initial
    sent = {key: str(value) for key, value in {**initial, "display_name": name}.items()}
    return acme.post("account/change", **sent)


def invite(acme: Party, name: str) -> Any:
    address = f"/iam/access-management/v1/tenants/{acme.tenant.id}/users"
    body = {"username": "kim", "email": VICTIM, "displayName": name}
    return acme.client.post(address, json.dumps(body), "application/json")


@pytest.mark.parametrize("name", UNSOUND.values(), ids=list(UNSOUND))
def test_a_name_is_one_line_that_reads_as_it_is(acme: Party, name: str) -> None:
    refused = invite(acme, name)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/displayName"
    page = own(acme, name)
    assert page.status_code == 200
    assert list(page.context["form"].errors) == ["display_name"]
    invited = acme.post("users/invite", username="kim", email=VICTIM, display_name=name)
    assert list(invited.context["form"].errors) == ["display_name"]


@pytest.mark.parametrize("name", ["Jane Roe", "Ngũgĩ", "د\u200cا", "क\u094d\u200dष", "O’Neill-Ñu 3."])
def test_names_as_people_have_them(acme: Party, name: str) -> None:
    assert own(acme, name).status_code == 302


def test_a_stranger_reads_no_word_of_the_person_who_gave_his_address(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    assert own(acme, LURE).status_code == 302
    with django_capture_on_commit_callbacks(execute=True):
        assert acme.post("account/email", email=VICTIM, current=PASSWORD).status_code == 302
        assert invite(acme, LURE).status_code == 201
    assert [message.to for message in mail.outbox] == [[VICTIM], [VICTIM]]
    for message in mail.outbox:
        assert "prize" not in f"{message.subject}{message.body}"
        assert message.body.startswith("Hello,\n\n")


def test_whose_mailbox_is_proven_is_called_by_name(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    with tenant_scope(acme.tenant.id):
        row = User.objects.filter(pk=acme.user.pk)
        row.update(email_proven_at=timezone.now(), display_name="Jane\n\nsays")  # of before names were asked
    sent = {"current": PASSWORD, "password": "another horse battery", "repeated": "another horse battery"}
    with django_capture_on_commit_callbacks(execute=True):
        assert acme.post("account/password", **sent).status_code == 302
    assert mail.outbox[-1].body.startswith("Jane says,\n\n")
