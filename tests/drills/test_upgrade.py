"""The first release is upgraded while its processes give tokens: two versions side by side on one database.

Needs the history of the repository; without it the rules of tests/architecture/test_upgrades.py stand alone.
The long form (`make drills`) migrates with a million contracts.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iam_portal.launchers import portal as launching
from iam_portal.launchers.demo import read_story
from iam_portal.launchers.portal import ROOT, LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.story_check import Portal
from iam_portal.launchers.valkey import free_port
from tests.drills.carrying_out import Row
from tests.support.restoring import programs
from tests.support.stage import Stage, made_of
from tests.support.unnoticed import Watch

pytestmark = pytest.mark.drill
RELEASE = "9c85b85"  # the schema of the first release: see FIRST in tests/architecture/test_upgrades.py
SHARED = ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS", "SECRET_KEY", "PORTAL_BASE_URL")
CONTRACTS = 2_000 if os.environ.get("DRILL") == "short" else 1_000_000
LONGEST = 2.0  # seconds that anybody may wait for a lock


@pytest.fixture
def tree() -> Iterator[Path]:
    """The first release, as it was."""
    folder = Path(tempfile.mkdtemp(prefix="iam-release-"))
    folder.chmod(0o711)
    packed = subprocess.run(["git", "archive", RELEASE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"the history of the repository is not here: {packed.stderr.decode()}")
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    found = Supervisor()
    yield found
    found.stop()


def test_upgraded_while_tokens_are_given(
    tree: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, table: list[Row]
) -> None:
    old = LocalPortal(tree / "old", free_port(), supervisor, fast=True, bindir=programs())
    with monkeypatch.context() as patch:
        patch.setattr(launching, "ROOT", tree)
        old.start_database()
        old.start_broker()
        old.manage("migrate", "--verbosity", "0")
        old.manage("collectstatic", "--no-input", "--verbosity", "0")
        old.manage("seed_demo", "--dir", str(old.directory))
        old.manage("generate_load", "--into", "iam", *sizes())
        old.start_web(workers=1)
        old.wait_ready()
    stage = made_of(read_story(old.directory))
    stage.share()
    new = beside(old, tree / "new", supervisor)
    with Watch(stage, old.servers.owner) as watch:
        time.sleep(1)
        new.manage("migrate", "--verbosity", "0")
        time.sleep(1)
    fault = f"the first release upgraded in place, {CONTRACTS:,} contracts"
    asked, failed = 2 * (watch.good + len(watch.bad)), len(watch.bad)
    longest = round(watch.longest_answer, 1)
    table.append(Row(fault, "tokens, introspections", asked, failed, 0, 0, 0, longest, 0.0))
    watch.assert_unnoticed()
    assert watch.longest_wait < LONGEST
    print(f"{watch.good} tokens meanwhile, longest wait for a lock {watch.longest_wait:.3f} s")
    acts_of_both(stage, new)
    sealed(old, new, stage)


def acts_of_both(stage: Stage, new: LocalPortal) -> None:
    """Old and new processes at once: what one does the other knows, in both directions."""
    new.start_web(workers=1)
    new.wait_ready()
    elsewhere = replace(stage, portal=Portal(new.address))
    for first, second in ((stage, elsewhere), (elsewhere, stage)):
        token = first.token()
        assert second.introspect(token)["active"] is True
        first.do(first.provider, "pause")
        assert second.introspect(token) == {"active": False}
        second.do(second.provider, "resume")
        assert first.introspect(token)["active"] is True


def sealed(old: LocalPortal, new: LocalPortal, stage: Stage) -> None:
    """No old process is left: the wall may ask for seals."""
    assert "1 new" in new.manage("seal_wall")
    elsewhere = replace(stage, portal=Portal(new.address))
    assert elsewhere.introspect(elsewhere.token())["active"] is True


def beside(old: LocalPortal, directory: Path, supervisor: Supervisor) -> LocalPortal:
    """The new release on the same servers."""
    shared = {name: old.environment[name] for name in SHARED}
    servers = Servers(old.environment["DATABASE_URL"], old.servers.owner, old.servers.broker)
    return LocalPortal(directory, free_port(), supervisor, servers=servers, settings=shared)


def sizes() -> list[str]:
    tenants = max(50, CONTRACTS // 100)
    wanted = {"tenants": tenants, "applications": tenants // 5, "contracts": CONTRACTS, "users": tenants * 10}
    return [f"--{name}={number}" for name, number in (wanted | {"assignments": CONTRACTS}).items()]
