"""Last uses of credentials, written beside the requests: once a minute, all at once, never a fault."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from accesscontrol.oauth.clients import uses
from accesscontrol.oauth.clients.uses import Credential
from accesscontrol.oauth.short import noting
from accesscontrol.oauth.short.noting import Notes
from applications.actions import clients
from applications.models import ClientKey, ClientSecret
from tests.accesscontrol.oauth.asserting import key, registered
from tests.accesscontrol.oauth.conftest import World
from tests.support.factories import SYSTEM

AT = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_all_are_written_by_one_flush(shared: World) -> None:
    """Of each kind; a later one that is there already stays."""
    at, notes, one = shared.clock.at, Notes(), registered(shared, key())
    more = [
        clients.add_secret(tenant=shared.acme, client_id="acme.meter", by=SYSTEM, at=at)[0] for _ in range(2)
    ]
    ClientSecret.objects.filter(id=more[1].id).update(last_used_at=at + 30 * SECOND)
    for kind, id in ((ClientKey, one.id), *((ClientSecret, each.id) for each in more)):
        notes.note(kind, id, last=None, at=at)
    assert ClientKey.objects.get().last_used_at is None
    notes.flush()
    assert ClientKey.objects.get().last_used_at == at
    found = [ClientSecret.objects.get(id=each.id).last_used_at for each in more]
    assert found == [at, at + 30 * SECOND]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Credential, int]]:
    made: list[tuple[Credential, int]] = []
    monkeypatch.setattr(uses, "note_all", lambda kind, used: made.append((kind, len(used))))
    return made


def test_once_a_minute_for_all_that_a_client_asks(written: list[tuple[Credential, int]]) -> None:
    notes, id = Notes(), uuid4()
    for seconds in (0, 1, 59, 60, 61, 119, 120):
        notes.note(ClientSecret, id, last=None, at=AT + seconds * SECOND)
        notes.flush()
    assert written == [(ClientSecret, 1)] * 3
    notes.note(ClientSecret, id, last=AT + 150 * SECOND, at=AT + 181 * SECOND)  # by another process
    notes.flush()
    assert len(written) == 3


def test_what_waits_and_what_is_known_is_bounded(
    written: list[tuple[Credential, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "MOST", 10)
    notes = Notes()
    for _ in range(25):
        notes.note(ClientSecret, uuid4(), last=None, at=AT)
    assert len(notes._noted) <= 10
    notes.flush()
    assert written == [(ClientSecret, 10)]


def test_a_fault_ends_nothing(monkeypatch: pytest.MonkeyPatch, written: list[tuple[Credential, int]]) -> None:
    notes, id = Notes(), uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(uses, "note_all", lambda *_: 1 / 0)
        notes.note(ClientSecret, id, last=None, at=AT)
        notes.flush()
    notes.note(ClientSecret, id, last=None, at=AT + timedelta(minutes=1))
    notes.flush()
    assert written == [(ClientSecret, 1)]
