"""What a new password does not take away, and who is told of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.models import Passkey
from tests.applications.story import Party, party
from tests.support.authenticating import Device, with_app
from tests.support.factories import PASSWORD
from tests.support.once import made_once, savepoint
from tests.tenants.second_factors import Visit, now_code

NEW = "another horse battery"
FORM = {"current": PASSWORD, "password": NEW, "repeated": NEW}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(made: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    del mail.outbox[:]
    with savepoint(django_db_blocker):
        yield made.fork()


def test_a_new_password_names_the_passkeys_and_apps_that_stay(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    """Whoever was in may have added his own, which no new password takes away."""
    with_app(acme.user, at=timezone.now())
    Visit(acme.tenant, acme.user, acme.client).make_passkey(Device())
    with tenant_scope(acme.tenant.id):
        Passkey.objects.update(name="Mallory\n\nGo to https://evil.example")
    with django_capture_on_commit_callbacks(execute=True):
        changed = acme.post("account/password", **FORM)
    assert changed["Location"] == "/t/acme/account/factors"
    shown = acme.client.get(changed["Location"]).content.decode()
    assert "It does not touch what stands here" in shown and "Mallory" in shown and "phone" in shown
    body = mail.outbox[-1].body
    assert "- phone, added " in body and "- Mallory Go to https://evil.example, added " in body
    assert "/t/acme/account/factors\n" in body


def test_so_does_a_reset_and_the_mail_about_a_new_browser(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    secret, _codes = with_app(acme.user, at=timezone.now())
    path = f"users/{acme.user.id}/send-link"
    asked = acme.get(path).content.decode()
    assert f"/t/acme/users/{acme.user.id}/reset-factors" in asked, "beside it, the way to take those, too"
    with django_capture_on_commit_callbacks(execute=True):
        acme.post(path)
    token = mail.outbox[-1].body.split("?token=")[1].split()[0]
    person = Client()
    person.get(f"/t/acme/set-password?token={token}")
    given = {name: FORM[name] for name in ("password", "repeated")}
    with django_capture_on_commit_callbacks(execute=True):
        done = person.post("/t/acme/set-password", given)
    said = person.get(done["Location"]).content.decode()
    assert "Your passkeys and authenticator apps stay" in said
    assert "- phone, added " in mail.outbox[-1].body
    visit = Visit(acme.tenant, acme.user, person)
    with django_capture_on_commit_callbacks(execute=True):
        visit.password(NEW)
        visit.code(now_code(secret))
    assert "new browser" in mail.outbox[-1].subject and "- phone, added " in mail.outbox[-1].body
    assert "remove passkeys and apps that are not yours" in visit.get("account").content.decode()


def test_who_has_no_second_factor_reads_nothing_of_them(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert acme.post("account/password", **FORM)["Location"] == "/t/acme/account"
    assert "passkey" not in mail.outbox[-1].body
    assert "Passkeys and apps stay" not in acme.get(f"users/{acme.user.id}/send-link").content.decode()
