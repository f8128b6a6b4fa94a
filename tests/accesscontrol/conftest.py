"""Stories of the tests, told once for each module."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import keys
from tests.accesscontrol import exploring, role_story
from tests.accesscontrol.exploring import Town
from tests.accesscontrol.mirroring import Story
from tests.accesscontrol.superseding import Line
from tests.support.granting import Office, make_office
from tests.support.happening import Clock
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def acl_story_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Story]:
    with made_once(django_db_blocker):
        yield Story().tell()


@pytest.fixture
def acl_story(
    acl_story_once: Story, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[Story]:
    """For one test: what it changes is taken back. ``at`` is the doors' clock."""
    at = acl_story_once.at
    monkeypatch.setattr(timezone, "now", lambda: acl_story_once.at)
    with savepoint(django_db_blocker):
        yield acl_story_once
    acl_story_once.at = at


@pytest.fixture(scope="module")
def line_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Line]:
    with made_once(django_db_blocker):
        yield Line()


@pytest.fixture
def line(
    line_once: Line, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[Line]:
    """The meter, which acme provides to beta, and beta opens to gamma; at the doors' clock of histories."""
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    with savepoint(django_db_blocker):
        keys.forget()
        yield line_once.fork()
        keys.forget()


@pytest.fixture(scope="module")
def office_once(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield make_office()


@pytest.fixture
def office(office_once: Office, django_db_blocker: DjangoDbBlocker) -> Iterator[Office]:
    """For one test: what it changes is taken back, in the database and in the rows at hand."""
    with savepoint(django_db_blocker):
        yield deepcopy(office_once)


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Town]:
    with made_once(django_db_blocker):
        yield exploring.tell()


@pytest.fixture
def town(told: Town, django_db_blocker: DjangoDbBlocker) -> Iterator[Town]:
    with savepoint(django_db_blocker):
        yield Town(told.acme.fork(), told.beta.fork(), told.sam, told.contract, told.at)


@pytest.fixture(scope="module")
def story_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[role_story.Story]:
    with made_once(django_db_blocker):
        yield role_story.tell()


@pytest.fixture
def story(story_once: role_story.Story, django_db_blocker: DjangoDbBlocker) -> Iterator[role_story.Story]:
    """An organization that makes roles for itself, and its partner."""
    with savepoint(django_db_blocker):
        yield story_once.fork()
