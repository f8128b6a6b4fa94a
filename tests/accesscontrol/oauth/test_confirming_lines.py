"""The connections by which tokens are confirmed: few, kept, and none after a fault."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from accesscontrol.oauth.short import versions
from accesscontrol.oauth.short.versions import KeptReader, array

KEYS = array(["k"])


@pytest.fixture
def reader(db: None) -> Iterator[KeptReader]:
    with closing(KeptReader()) as made:
        yield made


def test_a_line_is_kept(reader: KeptReader) -> None:
    seen = reader.read(KEYS)
    (line,) = reader._free
    assert reader.read(KEYS) == seen
    assert reader._free == [line]


def test_after_a_fault_no_old_line_is_asked(reader: KeptReader) -> None:
    """A restarted database has none of them."""
    reader.read(KEYS)
    (line,) = reader._free
    older = reader._connected()
    reader._free.insert(0, older)
    line.close()
    with pytest.raises(psycopg.Error):
        reader.read(KEYS)
    assert reader._free == []
    assert older.closed
    assert reader.read(KEYS)  # by a new one, at once


def test_a_database_that_is_away_is_asked_once_a_second(
    reader: KeptReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(*_: Any, **__: Any) -> Any:
        asked.append("")
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(versions.psycopg, "connect", away)
    for _ in range(5):
        with pytest.raises(psycopg.OperationalError):
            reader.read(KEYS)
    assert len(asked) == 1


def test_lines_are_no_more_than_look_at_once(reader: KeptReader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader._places = threading.Semaphore(2)
    at_once = 0
    most: list[int] = []
    real = reader._read

    def counted(*given: Any) -> Any:
        nonlocal at_once
        at_once += 1
        most.append(at_once)
        try:
            return real(*given)
        finally:
            at_once -= 1

    monkeypatch.setattr(reader, "_read", counted)
    sent = [threading.Thread(target=reader.read, args=(KEYS,)) for _ in range(12)]
    for each in sent:
        each.start()
    for each in sent:
        each.join(20)
    assert len(most) == 12
    assert max(most) <= 2
    assert len(reader._free) <= 2
