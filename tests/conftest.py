"""What every test stands on: settings, a real database with its second wall, a whole portal."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer

# Before anything reads the settings; they make up what a test installation needs.
os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from accesscontrol import at_the_door, kept  # noqa: E402
from tenants.actions import sessions, tallies  # noqa: E402
from tests.support import database, described, recorded  # noqa: E402
from tests.support.costs import Costs  # noqa: E402
from tests.support.portal import RunningPortal  # noqa: E402
from tests.support.spreading import (  # noqa: E402
    ByWorld,
    has_another_day,
    is_whole,
    longest_first,
    not_today,
    pick_a_day,
)
from tests.support.telling import told  # noqa: E402
from tests.support.turns import TURNS  # noqa: E402

described.watch()  # what any of them is answered is as docs/openapi.yaml says
recorded.watch()  # and what any of them has recorded can be said to people
_TOUCH = sessions.TOUCH
_NO_FLUSH = "The tests' role may not TRUNCATE: use the fixture committed_db for tests that really commit."


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """One server for all workers: it is started, and its database migrated, once."""
    pick_a_day()
    database.pick_a_day()
    costs = Costs(session.config)
    session.config.pluginmanager.register(costs)
    if not hasattr(session.config, "workerinput") and session.config.getoption("numprocesses"):
        kept = ExitStack()
        costs.told_at_the_end(kept)
        os.environ[database.GIVEN] = kept.enter_context(database.server())
        session.config.add_cleanup(kept.close)
    yield


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that has another day is not even read."""
    if collection_path.suffix != ".py" or is_whole(config):
        return None
    return has_another_day(collection_path.relative_to(config.rootpath).as_posix()) or None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not is_whole(config):
        left_out = not_today(items)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker is not None and marker.kwargs.get("transaction"):
            raise pytest.UsageError(f"{item.nodeid}: {_NO_FLUSH}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not is_whole(config):
        away = sum(map(has_another_day, TURNS))
        said = f"{away} files, and most of the exhaustive tests, have another day; all come with CI=true"
        terminalreporter.write_line(f"An ordinary run: {said}.")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A limit that one test has passed is no other's: the process would remember it.

    Nor is what the portal declared in another's world: where it differs, a door asks once more. Where all is
    taken back in the end, it is kept as if it had been committed.
    And where statements are counted, no session is noted anew: it would be where a story is a minute old.
    """
    tallies.forget()
    at_the_door.forget()
    kept.books.clear()
    fixtures = getattr(item, "fixturenames", ())
    kept.COMMITTED_ONLY = "committed_db" in fixtures
    counts = "django_assert_num_queries" in fixtures
    counts = counts or hasattr(getattr(item, "module", None), "CaptureQueriesContext")
    sessions.TOUCH = timedelta(days=1) if counts else _TOUCH


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Whatever language and zone a test chose, the next begins with those of the installation."""
    yield
    left = translation.get_language(), timezone.get_current_timezone_name()
    translation.activate(settings.LANGUAGE_CODE)
    timezone.deactivate()
    assert left == (settings.LANGUAGE_CODE, settings.TIME_ZONE), "a language or a zone stayed active"


def pytest_collection_finish() -> None:
    """What was read for the tests is there to the end: the collector need not look through it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # each test makes and drops many rows and forms


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByWorld | None:
    return ByWorld(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A migrated database; `default` is the web's role, so that row-level security binds the tests too."""
    # Blocked again while the tests run: each fixture of a test unblocks for itself.
    with django_db_blocker.unblock(), database.prepared(), django_db_blocker.block():
        yield


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """For tests that need real commits (threads, other processes): afterwards all is as migrated."""
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            database.reseed()


@pytest.fixture
def transactional_db() -> None:
    """Not to be used."""
    pytest.fail(_NO_FLUSH)


@pytest.fixture(scope="session")
def running_portal(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[RunningPortal]:
    """The whole portal with its story, as people start it.

    After the tests' own database: its portal begins before the moments that tests name in advance.
    """
    own = tmp_path_factory.mktemp("portal")
    with told(of_all_workers(tmp_path_factory) / "told") as made, RunningPortal(own, told=made) as portal:
        yield portal


def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run: below it each worker has its own."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
