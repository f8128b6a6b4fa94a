"""Comparisons that the database cannot turn around: it would read what belongs to everybody."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    UUIDField,
    Value,
)
from django.db.models.functions import Cast, Coalesce


def among(column: str, *rows: QuerySet[Any]) -> Func:
    """Whether a column names one of the rows, which are found first, whatever the planner expects of them."""
    # Of rows that there cannot be, the list would be of no type.
    lists = [Cast(ArraySubquery(each.values("pk")), ArrayField(UUIDField())) for each in rows]
    found = Func(*lists, template="(%(expressions)s)", arg_joiner=" || ", output_field=UUIDField())
    template = "%(expressions)s)"
    return Func(F(column), found, template=template, arg_joiner=" = ANY(", output_field=BooleanField())


def one_of(column: str, ids: Collection[UUID | str]) -> Func:
    """Whether a column is one of these, sent as one text: thousands of them each take long to be written."""
    found = Value("{" + ",".join(map(str, ids)) + "}", output_field=TextField())
    template = "%(expressions)s::uuid[])"
    return Func(F(column), found, template=template, arg_joiner=" = ANY(", output_field=BooleanField())


def just(column: str, one: UUID) -> Func:
    """Whether a column is this one, which the planner does not know yet: it begins with the column's index.

    Of one that it knows to be frequent, it would read an index of all that belongs to the tenant beside it.
    """
    template = "%(expressions)s::uuid)"
    value = Value(str(one), output_field=TextField())
    return Func(F(column), value, template=template, arg_joiner=" = (SELECT ", output_field=BooleanField())


def of_outer(column: str) -> Func:
    """Whether a column names the row of the outer query: asked of each row of it, by the column's index."""
    template = "%(expressions)s])"
    return Func(
        F(column),
        OuterRef("pk"),
        template=template,
        arg_joiner=" = ANY(ARRAY[",
        output_field=BooleanField(),
    )


def is_true(condition: Q | Exists) -> Func:
    """The condition, asked of each row that is left: nothing is looked up or begun with by it."""
    return Func(condition, template="(%(expressions)s) IS TRUE", output_field=BooleanField())


def there_is(rows: QuerySet[Any]) -> Coalesce:
    """Whether there is one, as a question that the planner does not turn into a join."""
    one = Subquery(rows.order_by().values(found=Value(True))[:1])
    return Coalesce(one, False, output_field=BooleanField())
