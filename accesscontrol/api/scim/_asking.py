"""Filters and orders of SCIM as conditions on rows: every value a parameter, every column named here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import Contains, EndsWith, Exact, StartsWith

from accesscontrol.scim.filters import Among, Both, Compare, Either, Filter, Not
from accesscontrol.scim.refused import ScimRefused
from iam_portal.errors import Invalid
from tenants.rest import parse_moment

Condition = Callable[[Compare], Q]
NOBODY = Q(pk__in=[])
_PLAIN = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
_FOLDED: dict[str, Any] = {"eq": Exact, "co": Contains, "sw": StartsWith, "ew": EndsWith}
_ORDERED = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}


@dataclass(frozen=True, slots=True)
class Columns:
    """What may be asked of rows: attribute in lower case → condition; attribute → column to sort by."""

    conditions: Mapping[str, Condition]
    orders: Mapping[str, Any]

    def where(self, part: Filter) -> Q:
        """ScimRefused (invalidFilter) for what is asked of no column, or in no way."""
        if isinstance(part, Both | Either):
            found = [self.where(each) for each in part.parts]
            whole = found[0]
            for each in found[1:]:
                whole = whole & each if isinstance(part, Both) else whole | each
            return whole
        if isinstance(part, Not):
            return ~self.where(part.part)
        if isinstance(part, Among):
            return self.where(_below(part.path, part.part))
        condition = self.conditions.get(part.path)
        if condition is None:
            raise _unknown(part.path)
        return condition(part)

    def order(self, name: str) -> Any:
        """The column; ScimRefused (invalidPath) where there is none."""
        if name not in self.orders:
            raise ScimRefused("invalidPath", f"Nothing is sorted by {name}.")
        return self.orders[name]

    def beside(self, other: "Columns") -> "Columns":
        """The same among rows of another kind: what only those have, has no value here (§3.4.2.1)."""
        orders = dict.fromkeys(other.orders, Cast(Value(None), TextField()))
        return Columns(
            {**dict.fromkeys(other.conditions, _absent), **self.conditions}, {**orders, **self.orders}
        )


def folded(column: str) -> Condition:
    """A text in which case does not count; ``eq`` is found by the index of lower-case names."""

    def condition(one: Compare) -> Q:
        if one.operator == "pr":
            return ~Q(**{column: ""})
        value = _text(one)
        if one.operator in _ORDERED:
            return Q(**{f"{column}__{_ORDERED[one.operator]}": value})
        kind = _FOLDED["eq" if one.operator == "ne" else one.operator]
        sought = Lower(Value(value)) if kind is Exact else value.lower()
        found = Q(kind(Lower(column), sought))
        return ~found if one.operator == "ne" else found

    return condition


def exact(column: str) -> Condition:
    """A text in which case counts, in a row that need not be there."""

    def condition(one: Compare) -> Q:
        if one.operator == "pr":
            return Q(**{f"{column}__isnull": False})
        if one.operator in _ORDERED:
            raise _odd(one)
        found = Q(**{f"{column}__{_PLAIN.get(one.operator, 'exact')}": _text(one)})
        return ~found if one.operator == "ne" else found

    return condition


def identity(column: str) -> Condition:
    """A UUID; what is none is nobody's."""

    def condition(one: Compare) -> Q:
        if one.operator == "pr":
            return ~NOBODY
        if one.operator not in ("eq", "ne"):
            raise _odd(one)
        try:
            found = Q(**{column: UUID(_text(one))})
        except ValueError:
            found = NOBODY
        return ~found if one.operator == "ne" else found

    return condition


def truth(column: str) -> Condition:
    """Yes or no; some directories write it as a text."""

    def condition(one: Compare) -> Q:
        if one.operator == "pr":
            return ~NOBODY
        value = one.value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"
        if one.operator not in ("eq", "ne") or not isinstance(value, bool):
            raise _odd(one)
        return Q(**{column: value if one.operator == "eq" else not value})

    return condition


def moment(column: str) -> Condition:
    """A moment (RFC 3339)."""

    def condition(one: Compare) -> Q:
        if one.operator == "pr":
            return ~NOBODY
        at = _moment(one)
        if one.operator in ("eq", "ne"):
            found = Q(**{column: at})
            return ~found if one.operator == "ne" else found
        if one.operator not in _ORDERED:
            raise _odd(one)
        return Q(**{f"{column}__{_ORDERED[one.operator]}": at})

    return condition


def constant(always: str | bool) -> Condition:
    """What every row has alike."""

    def condition(one: Compare) -> Q:
        same = str(one.value).lower() == str(always).lower()
        if one.operator not in ("eq", "ne", "pr"):
            raise _odd(one)
        return ~NOBODY if one.operator == "pr" or same == (one.operator == "eq") else NOBODY

    return condition


def _absent(one: Compare) -> Q:
    """Of no row; only what asks for another value holds."""
    return ~NOBODY if one.operator == "ne" else NOBODY


def _below(path: str, part: Filter) -> Filter:
    """``emails[type eq "work"]`` as ``emails.type eq "work"``: there is one value of each."""
    if isinstance(part, Both):
        return Both(tuple(_below(path, each) for each in part.parts))
    if isinstance(part, Either):
        return Either(tuple(_below(path, each) for each in part.parts))
    if isinstance(part, Not):
        return Not(_below(path, part.part))
    if isinstance(part, Among):
        raise _unknown(part.path)
    return Compare(f"{path}.{part.path}", part.operator, part.value)


def _text(one: Compare) -> str:
    if not isinstance(one.value, str):
        raise _odd(one)
    return one.value


def _moment(one: Compare) -> datetime:
    try:
        return parse_moment(_text(one), one.path)
    except Invalid as refused:
        raise ScimRefused("invalidFilter", refused.detail) from None


def _odd(one: Compare) -> ScimRefused:
    return ScimRefused("invalidFilter", f"{one.path} is not compared in this way.")


def _unknown(path: str) -> ScimRefused:
    return ScimRefused("invalidFilter", f"There is no attribute {path} that is searched.")
