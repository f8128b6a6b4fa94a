"""Who types an e-mail address at the entry: all read the same, and the mailbox alone learns what there is."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.actions import finding, tenants, users
from tenants.models import OrganizationsAsked, Tenant
from tests.support.factories import SYSTEM, make_tenant, make_user
from tests.support.once import made_once, savepoint

JANE = "jane@example.org"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Tenant]]:
    """Jane is in acme, beta and gamma; in delta is somebody else."""
    with made_once(django_db_blocker):
        at = timezone.now() - timedelta(days=1)
        made = [make_tenant(slug, at=at) for slug in ("acme", "beta", "gamma", "delta")]
        for tenant in made[:3]:
            make_user(tenant, at=at)
        make_user(made[3], "kim", at=at)
        yield made


@pytest.fixture(autouse=True)
def undone(world: list[Tenant], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    del mail.outbox[:]
    with savepoint(django_db_blocker):
        yield


def ask(email: str = JANE, **more: Any) -> Any:
    return Client().post("/", {"organization": email}, **more)


def answered() -> list[str]:
    """What mails the job sends, as their texts."""
    del mail.outbox[:]
    assert finding.answer_all(at=timezone.now()) == len(mail.outbox)
    return [message.body for message in mail.outbox]


def test_the_mail_names_the_organizations_and_how_to_come_in() -> None:
    assert ask().headers["Location"] == "/asked"
    assert len(mail.outbox) == 0
    (body,) = answered()
    assert mail.outbox[0].to == [JANE]
    assert re.findall(r"/t/(\w+)/sign-in", body) == ["acme", "beta", "gamma"]
    assert "Delta" not in body
    assert answered() == [], "each question is answered once"


def test_everybody_reads_the_same_after_the_same_work() -> None:
    answers, work = [], []
    for email in (JANE, "nobody@example.org", "JANE@EXAMPLE.ORG", "x" * 60 + "@example.org"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = ask(email)
        own = ("X-Request-Id", "Expires")  # of the moment
        kept = {name: value for name, value in answer.headers.items() if name not in own}
        answers.append((answer.status_code, kept, answer.content, sorted(answer.cookies)))
        work.append([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries])
    assert all(answer == answers[0] for answer in answers)
    assert all(done == work[0] for done in work)
    shown = Client().get("/asked")
    assert shown.status_code == 200
    assert b"example" not in shown.content


def test_only_where_one_may_be_is_named(world: list[Tenant]) -> None:
    at = timezone.now()
    _acme, beta, gamma, _delta = world
    tenants.suspend(tenant=beta, reason="", by=SYSTEM, at=at)
    with tenant_scope(gamma.id):
        users.deactivate(tenant=gamma, user_id=gamma.users.get().id, by=SYSTEM, at=at)
    ask(" Jane@Example.org ")
    (body,) = answered()
    assert re.findall(r"/t/(\w+)/sign-in", body) == ["acme"]


def test_nobody_is_written_to_who_is_not_here() -> None:
    ask("nobody@example.org")
    assert answered() == []


def test_a_mailbox_is_not_flooded_and_nobody_is_told() -> None:
    for number in range(finding.ADDRESS_ASKED + 2):
        assert ask(REMOTE_ADDR=f"203.0.113.{number}").headers["Location"] == "/asked"
    assert len(answered()) == finding.ADDRESS_ASKED
    OrganizationsAsked.objects.update(at=timezone.now() - finding.MEMORY)
    ask()
    assert len(answered()) == 1


def test_a_network_asks_so_often_and_is_told_when_it_may_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ASKED", 3)
    for number in range(3):
        assert ask(f"name{number}@example.org").status_code == 302
    for email in (JANE, "nobody@example.org"):
        refused = ask(email)
        assert refused.status_code == 429
        assert "Try again in about 60 minutes." in refused.content.decode()
        assert 3_500 < int(refused.headers["Retry-After"]) <= 3_600
    assert ask(REMOTE_ADDR="203.0.113.7").status_code == 302
    assert len(answered()) == 1


def test_the_address_is_not_kept_in_the_open_and_not_after_its_mail() -> None:
    ask()
    assert "jane" not in str(list(OrganizationsAsked.objects.values()))
    answered()
    assert set(OrganizationsAsked.objects.values_list("sealed", flat=True)) == {""}
    OrganizationsAsked.objects.update(at=timezone.now() - finding.MEMORY)
    answered()
    assert not OrganizationsAsked.objects.exists()


def test_what_cannot_be_opened_is_left_out() -> None:
    ask()
    OrganizationsAsked.objects.update(sealed="nonsense")
    assert answered() == []


@pytest.mark.parametrize("typed", ["@", "a@", "@b", "a@b", "a b@example.org", "a@b\0.org", "x@y.z" * 80])
def test_what_is_no_address_is_said_to_be_none(typed: str) -> None:
    answer = ask(typed)
    assert answer.status_code == 200
    assert "organization" in answer.context["form"].errors
    assert not OrganizationsAsked.objects.exists()


def test_the_other_entry_takes_organizations_only() -> None:
    answer = Client().post("/join", {"organization": JANE})
    assert "organization" in answer.context["form"].errors
    assert not OrganizationsAsked.objects.exists()
