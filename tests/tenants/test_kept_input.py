"""What somebody typed is kept for him alone: not for another person, address or day, and no secret of his."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django import forms
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.actions import deletion
from tenants.http import kept_input
from tenants.http.kept_input import keep, kept
from tenants.models import KeptInput, User
from tests.support.factories import NOW, SYSTEM, make_tenant, make_user
from tests.support.once import made_once, savepoint

ADDRESS = "/t/acme/users/invite?group=1"
TYPED = {"username": "jane", "note": ["one", "two"], "display_name": "\u202eשלום 🦊 <script>\0"}


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[User, User]]:
    with made_once(django_db_blocker):
        acme = make_tenant("acme")
        yield make_user(acme, "jane"), make_user(acme, "john")


@pytest.fixture
def jane(people: tuple[User, User], django_db_blocker: DjangoDbBlocker) -> Iterator[User]:
    with savepoint(django_db_blocker), tenant_scope(people[0].tenant_id):
        yield people[0]


def sent(address: str = ADDRESS, **fields: object) -> HttpRequest:
    return RequestFactory().post(address, fields or TYPED)


def back(address: str = ADDRESS) -> HttpRequest:
    return RequestFactory().get(address)


def test_it_comes_back_once_as_it_was_typed(jane: User) -> None:
    token = keep(sent(), user=jane, at=NOW)
    found = kept(back(), token, user=jane, at=NOW)
    assert found is not None
    assert dict(found.lists()) == {
        name: value if isinstance(value, list) else [value] for name, value in TYPED.items()
    }
    assert kept(back(), token, user=jane, at=NOW) is None


def test_neither_for_another_person_nor_address_nor_later(jane: User, people: tuple[User, User]) -> None:
    token = keep(sent(), user=jane, at=NOW)
    assert kept(back(), token, user=people[1], at=NOW) is None
    assert kept(back("/t/acme/users/invite"), token, user=jane, at=NOW) is None
    assert kept(back(), token, user=jane, at=NOW + kept_input.LIFETIME) is None
    assert kept(back(), "made up", user=jane, at=NOW) is None
    assert kept(back(), "", user=jane, at=NOW) is None
    just_in_time = NOW + kept_input.LIFETIME - timedelta(seconds=1)
    assert kept(back(), token, user=jane, at=just_in_time) is not None


def test_no_secret_is_kept_and_what_is_kept_lies_sealed(jane: User) -> None:
    secrets = dict.fromkeys(("password", "new_password", "repeated", "code", "impact"), "hidden")
    pasted = {"key": "-----BEGIN PRIVATE KEY-----", "jwk": '{"kty": "EC", "d": "…"}', "pem": "x"}
    token = keep(sent(note="a remark", csrfmiddlewaretoken="t", **secrets, **pasted), user=jane, at=NOW)
    row = KeptInput.objects.get(user=jane)
    assert token not in f"{row.digest} {row.sealed}"
    assert "remark" not in row.sealed
    found = kept(back(), token, user=jane, at=NOW)
    assert found is not None
    assert dict(found.lists()) == {"note": ["a remark"]}


def test_every_field_for_a_password_has_a_name_that_is_never_kept(jane: User) -> None:
    def all_forms(of: type) -> Iterator[type[forms.Form]]:
        for form in of.__subclasses__():
            yield form
            yield from all_forms(form)

    assert get_resolver().url_patterns  # every page, and so every form, is loaded
    names = {
        name
        for form in all_forms(forms.Form)
        for name, field in form.base_fields.items()
        if isinstance(field.widget, forms.PasswordInput)
    }
    assert names
    assert [name for name in names if not kept_input._NEVER.search(name)] == []


def test_of_one_person_only_the_latest_few(jane: User) -> None:
    tokens = [keep(sent(), user=jane, at=NOW + timedelta(seconds=second)) for second in range(7)]
    at = NOW + timedelta(seconds=7)
    found = [kept(back(), token, user=jane, at=at) is not None for token in tokens]
    assert found == [False] * 2 + [True] * kept_input.AT_ONCE


def test_too_much_is_not_kept_and_an_empty_form_needs_nothing(jane: User) -> None:
    assert keep(sent(note="x" * kept_input.LONGEST), user=jane, at=NOW) == ""
    assert keep(sent(password="hidden"), user=jane, at=NOW) == ""
    assert not KeptInput.objects.filter(user=jane).exists()


def test_a_key_that_left_the_ring_leaves_an_empty_form(jane: User) -> None:
    token = keep(sent(), user=jane, at=NOW)
    KeptInput.objects.filter(user=jane).update(sealed="not ours")
    assert kept(back(), token, user=jane, at=NOW) is None


def test_the_browser_has_it_for_this_path_only(jane: User) -> None:
    request, response = sent(), HttpResponse()
    kept_input.put(response, request, token="value")
    cookie = response.cookies[kept_input.COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/t/acme/users/invite", True, "Lax")
    assert cookie["max-age"] == 3600


def test_it_goes_with_the_person(jane: User) -> None:
    keep(sent(), user=jane, at=NOW)
    deletion.delete(tenant=jane.tenant, user_id=jane.id, by=SYSTEM, at=NOW)
    assert not KeptInput.objects.filter(user=jane).exists()
