"""A second factor of one's own gets another name."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tenants.models import HistoryEvent, Passkey, UserSession
from tests.support.authenticating import Device
from tests.support.once import made_once
from tests.tenants.second_factors import Visit, acme


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def jane(django_db_setup: None, django_db_blocker: DjangoDbBlocker, device: Device) -> Iterator[Visit]:
    """She has made a passkey in her account."""
    with made_once(django_db_blocker):
        visit = acme()
        visit.password()
        assert visit.make_passkey(device).status_code == 200
        yield visit.again()


def the_passkey(jane: Visit) -> Passkey:
    with jane.in_scope():
        return Passkey.objects.get()


def test_it_gets_another_name_from_its_owner_alone(jane: Visit, device: Device) -> None:
    path = f"account/factors/{the_passkey(jane).pk}/rename"
    joe = Visit.of(jane.tenant, "joe")
    joe.password()
    for reply in (joe.get(path), joe.post(path, name="mine")):
        assert reply.status_code == 404
    jane.sign_in_with(device)
    for name in ("", "   ", "x" * 61, "a\0b"):
        assert jane.post(path, name=name).status_code == 200, "drawn again, with why"
    assert (the_passkey(jane).name, "factor.renamed" in jane.history()) == ("key", False)
    name = "<b>blue</b> שלום 🦊"
    for _again in range(2):
        assert jane.post(path, name=f" {name} ")["Location"] == "/t/acme/account/factors"
    assert the_passkey(jane).name == name
    assert jane.history().count("factor.renamed") == 1
    assert "&lt;b&gt;blue&lt;/b&gt;" in jane.get("account/factors").content.decode()
    with jane.in_scope():
        told = HistoryEvent.objects.get(action="factor.renamed")
        assert told.after == {"factor": str(the_passkey(jane).pk), "kind": "passkey"}, "no words of hers"
        past = timezone.now() - timedelta(hours=1)
        UserSession.objects.filter(user=jane.user).update(created_at=past)
    assert jane.post(path, name="other")["Location"].startswith("/t/acme/account/confirm")
    assert the_passkey(jane).name == name
    assert jane.again().sign_in_with(device).status_code == 302, "under any name"
