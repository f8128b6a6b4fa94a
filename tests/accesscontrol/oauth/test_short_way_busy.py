"""Where no thread is free for the short way: the request ends there, unless something was done already."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from accesscontrol.oauth.short import ShortWay, door, noting
from applications.models import ClientSecret
from iam_portal import apart
from iam_portal.admission import Refused
from tests.support.factories import NOW


def busy(*_: Any) -> Any:
    raise Refused("portal_busy", 5)


def test_the_long_way_does_not_wait_for_a_thread_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    short = ShortWay(lambda *environ: asked.append(environ) or [])  # type: ignore[func-returns-value]
    monkeypatch.setattr(door, "_read", lambda environ: SimpleNamespace(gate=(), kind=door.TOKEN))
    monkeypatch.setattr(short, "_answer", busy)
    with pytest.raises(Refused):
        short({}, lambda *_: None)
    assert not asked


def test_a_use_that_nobody_can_note_is_none_that_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The assertion is used up by then: "nothing was done" would be wrong."""
    monkeypatch.setattr(apart, "done", busy)
    noting.note(ClientSecret, uuid.uuid4(), last=None, at=NOW)
