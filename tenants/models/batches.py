"""Many rows, a few at a time: no transaction holds more than that, and none is held for long."""

from typing import Any

from django.db import models


def first(rows: models.QuerySet[Any], most: int) -> models.QuerySet[Any]:
    """So many of the rows, in their order, to be changed or deleted by one statement."""
    found: models.QuerySet[Any] = rows.model._default_manager.filter(pk__in=rows.values("pk")[:most])
    return found
