"""What a row must fulfil by itself is asked of PostgreSQL in one statement, not in one for each constraint.

Every action cleans the rows it writes; the framework sets a savepoint and sends a query for each check.
A row that fulfils all of them needs the answer once. For any other the framework asks as ever, and says what
is wrong. Nor is it asked whether a row is there that was read and is at hand: the foreign key sees to it.
"""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, connections, models, router, transaction
from django.db.models import BooleanField, CheckConstraint, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.sql import Query
from django.db.models.sql.constants import SINGLE

_OF_THE_FRAMEWORK = models.Model.validate_constraints
_FIELDS_OF_THE_FRAMEWORK = models.Model.clean_fields
# Tables without a wall. Behind one, the question is also whether the tenant in scope may see the row.
_SEEN_BY_ALL = {
    "tenants.Tenant",
    "applications.Application",
    "applications.ApplicationRole",
    "applications.Contract",
}


def install() -> None:
    """For every model with several checks, or with a reference to what all may see."""
    for model in apps.get_models():
        if any(_leads_to_all(field) for field in model._meta.concrete_fields):
            model.clean_fields = clean_fields  # type: ignore[assignment,method-assign]
        if sum(map(_is_check, model._meta.constraints)) > 1:
            model.validate_constraints = validate_constraints  # type: ignore[assignment,method-assign]


def clean_fields(row: models.Model, exclude: Collection[str] | None = None) -> None:
    """As the framework's method, which is not asked about the rows at hand."""
    references = filter(_leads_to_all, row._meta.concrete_fields)
    at_hand = {field.name for field in references if _is_at_hand(row, field)}
    _FIELDS_OF_THE_FRAMEWORK(row, exclude={*(exclude or ()), *at_hand})


def _leads_to_all(field: models.Field) -> bool:
    return isinstance(field, models.ForeignKey) and field.remote_field.model._meta.label in _SEEN_BY_ALL


def _is_at_hand(row: models.Model, reference: Any) -> bool:
    """Whether it refers to a row that was read or saved, not only to an id."""
    if not reference.is_cached(row):
        return False
    other = reference.get_cached_value(row)
    return other is not None and not other._state.adding and other.pk == getattr(row, reference.attname)


def validate_constraints(row: models.Model, exclude: set[str] | None = None) -> None:
    """As the framework's method, which is called for the errors if there are any."""
    using = router.db_for_write(type(row), instance=row)
    try:
        for model, constraints in row.get_constraints():  # type: ignore[attr-defined]
            checks = [one for one in constraints if isinstance(one, CheckConstraint) and _is_check(one)]
            whole = bool(checks) and _hold(checks, model, row, exclude, using)
            for constraint in constraints:
                if not (whole and _is_check(constraint)):
                    constraint.validate(model, row, exclude=exclude, using=using)
    except ValidationError:
        _OF_THE_FRAMEWORK(row, exclude=exclude)


def _is_check(constraint: models.BaseConstraint) -> bool:
    return type(constraint) is CheckConstraint


def _hold(
    checks: list[CheckConstraint],
    model: type[models.Model],
    row: models.Model,
    exclude: set[str] | None,
    using: str,
) -> bool:
    """Whether no check is violated; unknown counts as fulfilled, as it does for PostgreSQL.

    False also where that cannot be asked at once: a check names a field that is left out.
    """
    query = Query(None)
    values = row._get_field_expression_map(meta=model._meta, exclude=exclude)  # type: ignore[attr-defined]
    for name, value in values.items():
        expression = value if hasattr(value, "resolve_expression") else Value(value)
        query.add_annotation(expression, name, select=False)
    query.add_annotation(Value(1), "_check")
    conditions = Q(*(Q(check.condition) for check in checks))
    try:
        query.add_q(Q(Coalesce(conditions, True, output_field=BooleanField())))
        with transaction.atomic(using=using, savepoint=connections[using].in_atomic_block):
            return query.get_compiler(using=using).execute_sql(SINGLE) is not None
    except (FieldError, DatabaseError):
        return False
