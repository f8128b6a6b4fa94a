"""A statement that is written once answers with each value as the framework would (iam_portal.spelled)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F, Q, QuerySet, Value
from hypothesis import given
from hypothesis import strategies as st

from applications import opened
from applications.models import Application, ContractTerm
from iam_portal.spelled import Spelled
from iam_portal.walls import tenant_scope
from tenants.history import record
from tenants.models import Group, HistoryEvent
from tests.support.factories import SYSTEM, make_tenant

MOMENTS = st.datetimes(timezones=st.just(UTC), max_value=datetime(2200, 1, 1))
TEXTS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=30) | st.sampled_from(
    ("%", "_", "\\", "%s", "%(tenant)s", "'", "a%b_c\\d", "\x01", "")
)


def groups(*, tenant: UUID, at: datetime, wanted: str) -> QuerySet[Any, Any]:
    named = Q(name__icontains=wanted) | Q(description__istartswith=wanted) | Q(description=wanted)
    found = Group.objects.at(at).filter(named, tenant=tenant).exclude(name="always")
    return found.order_by("name").values_list("pk", "name")[:10]


GROUPS = Spelled(groups, tenant=UUID, at=datetime, wanted=str)


@given(tenant=st.uuids(), at=MOMENTS, wanted=TEXTS)
def test_a_statement_is_the_frameworks_own_with_these_values(tenant: UUID, at: datetime, wanted: str) -> None:
    values = {"tenant": tenant, "at": at, "wanted": wanted}
    sql, params = groups(**values).query.sql_with_params()
    assert GROUPS._filled(values) == (sql, params)


@given(tenant=st.uuids(), at=MOMENTS, application=TEXTS)
def test_the_rule_of_what_is_open_to_a_tenant_is_within_others(
    tenant: UUID, at: datetime, application: str
) -> None:
    """The same rows asked as one subquery and as another part of the same statement."""
    held = opened._held(tenant=tenant, at=at)
    assert opened._HELD(tenant=tenant, at=at).values == held.query.sql_with_params()[1]
    of_one = opened._held_of_one(tenant=tenant, at=at, application=application)
    written = opened._HELD_OF_ONE(tenant=tenant, at=at, application=application)
    assert (written.sql, written.values) == of_one.query.sql_with_params()
    whole, params = Application.objects.filter(Q(name="x") | Q(pk__in=written)).query.sql_with_params()
    assert written.sql in whole
    assert params == ("x", *written.values)


def newest(*, tenant: UUID) -> QuerySet[HistoryEvent, Any]:
    rows = HistoryEvent.objects.filter(tenant=tenant).order_by("-id")
    return rows.annotate(doubled=F("id") * 2, again=Value("x"))


def test_whole_rows_become_what_the_framework_makes_of_them(db: None) -> None:
    at = datetime.now(UTC)
    acme = make_tenant("acme", at=at)
    with tenant_scope(acme.id):
        for after in (None, {}, {"a": [1, "ü", None], "at": "2027-03-03"}):
            given: dict[str, Any] = {
                "subject": ("group", UUID(int=7), "Depot"),
                "before": None,
                "after": after,
            }
            record(action="x.tried", tenants=[acme], by=SYSTEM, at=at, **given)
        found = Spelled(newest, tenant=UUID).instances(HistoryEvent, "doubled", "again", tenant=acme.id)
        expected = list(newest(tenant=acme.id))
    assert [event.__dict__ | {"_state": None} for event in found] == [
        event.__dict__ | {"_state": None} for event in expected
    ]
    assert len(found) >= 3
    assert all(event._state.db == "default" and not event._state.adding for event in found)


def test_a_value_that_is_lost_on_the_way_is_told_at_once() -> None:
    def later(*, at: datetime) -> QuerySet[Any, Any]:
        return ContractTerm.objects.not_over(at + timedelta(days=1)).values("pk")

    with pytest.raises(AssertionError, match="at"):
        Spelled(later, at=datetime)(at=datetime.now(UTC))


def test_so_is_one_that_is_lost_in_one_of_two_places() -> None:
    def both(*, at: datetime) -> QuerySet[Any, Any]:
        return ContractTerm.objects.at(at).not_over(at + timedelta(days=1)).values("pk")

    with pytest.raises(AssertionError, match="changed on the way"):
        Spelled(both, at=datetime)(at=datetime.now(UTC))


def test_a_statement_and_its_places_are_kept_at_once() -> None:
    """What another thread finds meanwhile is nothing, or both."""
    seen: list[tuple[str, Any]] = []

    class Watched(Spelled):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            seen.append((name, value))

    watched = Watched(groups, tenant=UUID, at=datetime, wanted=str)
    seen.clear()
    values = {"tenant": UUID(int=5), "at": datetime.now(UTC), "wanted": "x"}
    watched._filled(values)
    watched._filled(values)
    ((_, (sql, places)),) = seen
    assert sql.count("%s") == len(places) > 3
