"""`manage.py generate_load`: a small world of it is as sound as one that people made, and always the same."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from accesscontrol.models import Assignment
from applications import readmodel
from applications.models import Application, Contract, ContractGrant, ContractUsage
from iam_portal.launchers.load import loading
from iam_portal.launchers.load.sizes import Sizes
from iam_portal.walls import cross_tenant
from tenants.models import Group, Membership, Partnership, Tenant, User
from tests.support.once import made_once, savepoint

AT = datetime(2026, 3, 1, tzinfo=UTC)
SIZES = {"tenants": 40, "applications": 16, "contracts": 400, "users": 300, "assignments": 2_000}
_TABLES = (
    *("tenants_tenant", "tenants_user", "tenants_membership", "tenants_partnership", "applications_contract"),
    *("applications_contractterm", "applications_availability", "accesscontrol_assignment"),
)


def generate(**options: Any) -> str:
    said = StringIO()
    call_command("generate_load", stdout=said, **{**SIZES, "at": AT, **options})
    return said.getvalue()


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with made_once(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "look_again", lambda: None)  # nothing is committed that could be counted
        generate()
        yield


@pytest.fixture
def loaded(world: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with savepoint(django_db_blocker):
        yield


def test_there_is_as_much_as_was_asked_for(loaded: None) -> None:
    with cross_tenant():
        assert Tenant.objects.filter(slug__startswith="load-").count() == SIZES["tenants"]
        assert Contract.objects.count() == SIZES["contracts"]
        assert abs(User.everyone.count() - SIZES["users"]) < SIZES["tenants"]
        given = Assignment.objects.count()
        assert abs(given - SIZES["assignments"]) < SIZES["assignments"] / 10
        for model in (ContractGrant, ContractUsage, Group, Membership):
            assert model.objects.exists(), model
    assert Application.objects.filter(id__contains=".app").count() == SIZES["applications"]


def test_what_follows_from_the_facts_is_there(loaded: None) -> None:
    assert readmodel.differences() == {"grants": [], "availability": []}


def test_who_shares_is_partner_and_never_with_himself(loaded: None) -> None:
    pairs = {frozenset(row) for row in Contract.objects.values_list("provider_id", "consumer_id")}
    partners = {frozenset(row) for row in Partnership.objects.values_list("inviter_id", "invitee_id")}
    assert pairs == partners
    assert {len(pair) for pair in pairs} == {2}
    states = set(Contract.objects.values_list("state", flat=True))
    assert states == {"accepted", "proposed", "draft", "declined"}


def test_nothing_points_out_of_its_organization(loaded: None) -> None:
    with cross_tenant():
        for table, column, other in (
            ("tenants_membership", "user_id", "tenants_user"),
            ("tenants_membership", "group_id", "tenants_group"),
            ("accesscontrol_assignment", "user_id", "tenants_user"),
            ("accesscontrol_assignment", "group_id", "tenants_group"),
            ("accesscontrol_assignment", "tenant_role_id", "accesscontrol_tenantrole"),
        ):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT count(*) FROM {table} a JOIN {other} b ON b.id = a.{column} "
                    "WHERE a.tenant_id <> b.tenant_id"
                )
                assert cursor.fetchone() == (0,), (table, column)


def test_each_organization_has_its_administrator(loaded: None) -> None:
    with cross_tenant():
        held = Assignment.objects.filter(application_role__key="access-manager", user__username="user1")
        assert held.values("tenant").distinct().count() == SIZES["tenants"]


def test_the_same_numbers_are_the_same_rows(loaded: None) -> None:
    first, again, other = _written(seed=3), _written(seed=3), _written(seed=4)
    assert first == again
    assert {table for table in _TABLES if first[table] != other[table]} >= {
        "applications_contract",
        "accesscontrol_assignment",
    }


def _written(*, seed: int) -> dict[str, str]:
    """A digest of each table's new rows; numbers that the database counts by itself are left out."""
    with transaction.atomic(), cross_tenant():
        generate(name="twin", seed=seed, into=connection.settings_dict["NAME"])
        found = {table: _digest(table) for table in _TABLES}
        transaction.set_rollback(True)
    return found


def _digest(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT md5(string_agg(line, ' ' ORDER BY line)) "
            f"FROM (SELECT (to_jsonb(t) - 'id')::text AS line FROM {table} t) lines"
        )
        (found,) = cursor.fetchone()
    return str(found)


def test_it_does_not_mix_with_what_is_there(loaded: None) -> None:
    name = connection.settings_dict["NAME"]
    before = Tenant.objects.count()
    for options, why in (
        ({"name": "other"}, f"holds organizations. Say --into {name}"),
        ({"name": "other", "into": "elsewhere"}, f"This database is {name}, not elsewhere."),
        ({"into": name}, "There are organizations load-"),
        ({"name": "other", "tenants": 3, "users": -1}, "--tenants must be 8 or more; --users must be 20"),
        ({"name": "other", "users": 30}, "--users must be as many as --tenants"),
        ({"name": "Oh no"}, "--name"),
    ):
        with pytest.raises(CommandError, match=re.escape(why)):
            generate(**options)
    assert Tenant.objects.count() == before


def test_production_takes_none(loaded: None, settings: Any) -> None:
    settings.PRODUCTION = True
    name = connection.settings_dict["NAME"]
    with pytest.raises(CommandError, match="do not belong in production"):
        generate(name="other", into=name)
    with pytest.raises(loading.Refused, match="do not belong in production"):  # nor past the command
        loading.load(Sizes(name="other", seed=7, **SIZES), at=AT, into=name, tell=print)
