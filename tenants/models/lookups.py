"""Comparisons that the database cannot turn around: it would read what belongs to everybody."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce


def among(column: str, *rows: QuerySet[Any]) -> Func:
    """Whether a column names one of the rows, which are found first, whatever the planner expects of them."""
    lists = [ArraySubquery(each.values("pk")) for each in rows]
    found = Func(*lists, template="(%(expressions)s)", arg_joiner=" || ", output_field=UUIDField())
    template = "%(expressions)s)"
    return Func(F(column), found, template=template, arg_joiner=" = ANY(", output_field=BooleanField())


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
