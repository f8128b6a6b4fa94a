"""Pages whose handler runs past the transaction: a refusal that they do not catch is a clear answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from iam_portal.errors import DomainError, Forbidden, Kind
from tenants.actions import proving, second_steps, sessions
from tenants.models import HistoryEvent
from tests.support.once import made_once, savepoint
from tests.tenants.second_factors import Visit, acme


class Unforeseen(DomainError):
    """One that no page knows."""


class Again(DomainError):
    """Too many of something."""

    kind = Kind.THROTTLED
    code = "too_many_guesses"


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Visit]:
    with made_once(django_db_blocker):
        yield acme()


@pytest.fixture
def jane(shared: Visit, django_db_blocker: DjangoDbBlocker) -> Iterator[Visit]:
    with savepoint(django_db_blocker):
        yield shared.again()


def refusing(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, refusal: DomainError) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr(module, name, refuse)


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(Unforeseen("Not in this state."), 409), (Forbidden("Not you."), 403)],
)
def test_a_refusal_nobody_foresaw_is_said(
    jane: Visit, monkeypatch: pytest.MonkeyPatch, refusal: DomainError, status: int
) -> None:
    refusing(monkeypatch, sessions, "sign_in", refusal)
    answer = jane.password()
    assert answer.status_code == status
    assert refusal.detail in answer.content.decode() and not jane.is_in


def test_it_says_how_long_to_wait(jane: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, sessions, "sign_in", Again("Too many.", data={"retryAfter": 7}))
    answer = jane.password()
    assert (answer.status_code, answer["Retry-After"]) == (429, "7")


def test_what_is_missing_is_not_there(jane: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(DomainError):
        kind = Kind.MISSING

    refusing(monkeypatch, sessions, "sign_in", Gone("x"))
    assert jane.password().status_code == 404


def test_what_wants_to_be_recorded_is(jane: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    jane.password()
    made = {"action": "proof.refused", "tenants": [jane.tenant.id], "subject": ("user", jane.user.id, "Jane")}

    def refuse(*, by: Any, at: Any, **_: Any) -> None:
        raise Unforeseen("No.", record={**made, "by": by, "at": at, "after": {}})

    monkeypatch.setattr(proving, "by_password", refuse)
    jane.client.post(jane.url("account/confirm"), {"password": "x"})
    with jane.in_scope():
        assert HistoryEvent.objects.filter(action="proof.refused").count() == 1


def test_setting_up_says_how_long_to_wait(jane: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.actions.steps.asking", lambda **_: [])
    jane.password()
    refusing(monkeypatch, second_steps, "by_new_app", Again("Too many.", data={"retryAfter": 7}))
    page = jane.get("sign-in/set-up")
    sealed = page.context["set_up"]
    answer = jane.post("sign-in/set-up", set_up=sealed, code="123456", name="Phone")
    assert (answer.status_code, answer["Retry-After"]) == (429, "7")
