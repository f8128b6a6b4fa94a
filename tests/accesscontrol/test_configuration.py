"""A tenant's configuration as a document: what is exported can be applied, and what is applied is so."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests.accesscontrol.configuring import World, make_world, steps
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield make_world()


@pytest.fixture
def world(made: World, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with savepoint(django_db_blocker):
        yield made


def test_the_export_of_a_rich_tenant_makes_an_empty_one_the_same(world: World) -> None:
    document = world.document(world.acme)
    import json; print(json.dumps(document, indent=1))
    done = world.carry(world.twin, document)
    print(steps(done))
    assert world.document(world.twin) == document
