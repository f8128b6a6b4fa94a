"""A user namespace is asked for again where the kernel refuses it; whoever gives up says what it said."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from iam_portal.launchers import children
from iam_portal.launchers.children import OURSELVES, Account, LaunchError, spawn

_SAYS = "no room for one more"
Refuse = Callable[[int], Path]


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """The first so many are refused; a file counts them, for each happens in a process of its own."""
    asked = tmp_path / "asked"
    asked.touch()
    monkeypatch.setattr(children, "_BETWEEN_TRIES", 0.0)

    def refuse_first(times: int) -> Path:
        def enter() -> None:
            with asked.open("a") as file:
                file.write(".")
            if len(asked.read_text()) <= times:
                raise OSError(errno.ENOSPC, _SAYS)

        monkeypatch.setattr(children, "_enter_user_namespace", enter)
        return asked

    return refuse_first


def started(directory: Path, account: Account) -> children.Child:
    log = directory / "child.log"
    return spawn("child", ["/bin/true"], log=log, environment={}, directory=directory, account=account)


def test_a_namespace_is_asked_for_three_times(tmp_path: Path, refuse: Refuse) -> None:
    asked = refuse(2)
    child = started(tmp_path, Account(in_namespace=True))
    assert child.process.wait(10) == 0
    assert asked.read_text() == "..."


def test_a_namespace_refused_three_times_is_given_up_with_the_reason(tmp_path: Path, refuse: Refuse) -> None:
    asked = refuse(3)
    with pytest.raises(LaunchError, match=_SAYS) as refusal:
        started(tmp_path, Account(in_namespace=True))
    assert str(tmp_path / "child.log") in str(refusal.value)
    assert asked.read_text() == "..."


def test_who_needs_no_namespace_asks_for_none(tmp_path: Path, refuse: Refuse) -> None:
    asked = refuse(3)
    assert started(tmp_path, OURSELVES).process.wait(10) == 0
    assert asked.read_text() == ""
