"""Both sides of what two tenants have together, as one: each is found by an index of its own."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet


def both(sides: Iterable[QuerySet[Any, Any]], values: dict[str, Any]) -> str:
    """Both sides, each found by its own index, as one; what they ask with is added to the values."""
    told = []
    for side in sides:
        statement, asked = side.order_by().query.sql_with_params()
        names = [f"v{len(values) + place}" for place in range(len(asked))]
        values |= dict(zip(names, asked, strict=True))
        told.append(statement % tuple(f"%({name})s" for name in names))
    return " UNION ALL ".join(told)
