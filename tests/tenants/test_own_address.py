"""Another e-mail address for one's own account: it counts once it is proven, by its owner, in his session."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.actions import own_account
from tenants.models import HistoryEvent, User, UserLink
from tests.applications.story import Party, party, signed_in
from tests.support.factories import PASSWORD, make_user
from tests.support.once import made_once, savepoint

NEW = "another horse battery"
HERE, THERE = "jane@example.org", "jane.roe@elsewhere.example"


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Party, Party]]:
    with made_once(django_db_blocker):
        yield party("acme"), party("beta")


@pytest.fixture(autouse=True)
def undone(office: tuple[Party, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    del mail.outbox[:]
    with savepoint(django_db_blocker):
        yield


@pytest.fixture
def acme(office: tuple[Party, Party]) -> Party:
    return office[0].fork()


@pytest.fixture
def beta(office: tuple[Party, Party]) -> Party:
    return office[1].fork()


def row(acme: Party) -> User:
    with tenant_scope(acme.tenant.id):
        return User.objects.get(pk=acme.user.pk)


def proof(acme: Party, callbacks: Any, email: str = THERE) -> str:
    """The link that came by mail, to the address that is to be proven."""
    with callbacks(execute=True):
        answer = acme.post("account/email", email=email, current=PASSWORD)
    assert answer.status_code == 302, answer.content.decode()
    assert mail.outbox[-1].to == [email]
    found = re.search(r"(/t/acme/account/email/proof\?token=\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def test_another_address_counts_once_it_is_proven(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    link = proof(acme, django_capture_on_commit_callbacks)
    assert row(acme).email == HERE
    taken = acme.client.get(link)
    assert taken.headers["Location"] == "/t/acme/account/email/prove"
    assert THERE in acme.get("account/email/prove").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert acme.post("account/email/prove").headers["Location"] == "/t/acme/account"
    assert row(acme).email == THERE
    assert row(acme).email_proven_at is not None
    assert mail.outbox[-1].to == [HERE], "the former mailbox is told"
    assert THERE not in mail.outbox[-1].body
    acme.client.get(link)
    assert acme.get("account/email/prove").status_code == 404
    assert acme.post("account/email/prove").status_code == 404
    with tenant_scope(acme.tenant.id):
        assert "elsewhere" not in str(list(UserLink.objects.values()))
        assert "elsewhere" not in str(list(HistoryEvent.objects.values("before", "after")))


def test_the_link_is_of_no_use_to_anybody_else(
    acme: Party, beta: Party, django_capture_on_commit_callbacks: Any
) -> None:
    link = proof(acme, django_capture_on_commit_callbacks)
    kim = signed_in(make_user(acme.tenant, "kim", at=timezone.now()), timezone.now())
    kim.get(link)
    assert kim.get("/t/acme/account/email/prove").status_code == 404
    beta.client.get(link.replace("acme", "beta"))
    assert beta.get("account/email/prove").status_code == 404
    token = link.partition("=")[2]
    nobody = Client()
    assert nobody.get(link).headers["Location"] == "/t/acme/account/email/prove"
    assert token not in nobody.get("/t/acme/account/email/prove").headers["Location"]
    nobody.get("/t/acme/set-password", {"token": token})
    given = {"password": NEW, "repeated": NEW}
    assert nobody.post("/t/acme/set-password", given).status_code == 404, "it sets no password"
    assert row(acme).email == HERE


def test_a_link_is_replaced_by_the_next_and_ends_in_a_day(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    first = proof(acme, django_capture_on_commit_callbacks)
    second = proof(acme, django_capture_on_commit_callbacks)
    acme.client.get(first)
    assert acme.get("account/email/prove").status_code == 404
    acme.client.get(second)
    assert acme.get("account/email/prove").status_code == 200
    with tenant_scope(acme.tenant.id):
        UserLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert acme.get("account/email/prove").status_code == 404


def test_who_has_an_address_is_told_to_its_owner_only(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    make_user(acme.tenant, "kim", at=timezone.now())
    link = proof(acme, django_capture_on_commit_callbacks, "kim@example.org")
    acme.client.get(link)
    answer = acme.client.post("/t/acme/account/email/prove", follow=True)
    assert "This e-mail address is taken in this organization." in answer.content.decode()
    assert row(acme).email == HERE


def test_nobody_writes_to_strangers_through_the_portal(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    for number in range(own_account.PROOFS):
        proof(acme, django_capture_on_commit_callbacks, f"stranger{number}@example.org")
    answer = acme.post("account/email", email=THERE, current=PASSWORD)
    assert "Too many links" in answer.content.decode()
    assert len(mail.outbox) == own_account.PROOFS
