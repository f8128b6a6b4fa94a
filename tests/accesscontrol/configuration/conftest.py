"""The organizations of these tests, furnished once for each module."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests.support.configuring import World, make_world
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def furnished(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield make_world()


@pytest.fixture
def world(furnished: World, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """For one test: what it changes is taken back."""
    with savepoint(django_db_blocker):
        yield furnished
