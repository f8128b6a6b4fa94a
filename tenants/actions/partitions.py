"""Months of the history table, made before they begin."""

from datetime import datetime

import structlog
from django.db import DatabaseError, connection, transaction

log = structlog.get_logger("iam.history")

MONTHS_AHEAD = 2


def prepare(*, at: datetime) -> int:
    """Make the partitions of this month and the next two; the number of new ones.

    A month whose rows fell into the default partition already cannot be made by us: logged, the others go on.
    """
    made = 0
    for ahead in range(MONTHS_AHEAD + 1):
        years, month = divmod(at.month - 1 + ahead, 12)
        first = at.date().replace(year=at.year + years, month=month + 1, day=1)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT iam_history_partition(%s)", [first])
                made += bool(cursor.fetchone()[0])
        except DatabaseError as exc:
            log.error("partition_failed", month=first.isoformat(), error=str(exc))
    return made
