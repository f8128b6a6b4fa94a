"""The job's act for assignments: tell each planned beginning and end that has passed, once."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from accesscontrol.actions.assigned import announce
from accesscontrol.models import Assignment
from applications.models import Watermark
from iam_portal.walls import cross_tenant

_NAME = "assignments"


def run(*, at: datetime) -> int:
    """One transaction, one runner at a time; killed, it has told nothing. The number of events."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('iam:assignment-job', 0))")
            if not cursor.fetchone()[0]:
                return 0
        mark, _ = Watermark.objects.get_or_create(name=_NAME, defaults={"at": at})
        told = _tell(mark.at, at)
        Watermark.objects.filter(name=_NAME, at__lt=at).update(at=at)
    return told


def _tell(after: datetime, until: datetime) -> int:
    begun = Q(during__startswith__gt=after, during__startswith__lte=until, during__isempty=False)
    over = Q(during__endswith__gt=after, during__endswith__lte=until, ended_by="")
    turns: list[tuple[datetime, str, Assignment]] = []
    with cross_tenant():
        rows = list(Assignment.objects.filter(begun | over).select_related("application_role", "tenant_role"))
    for row in rows:
        # What began with its act was told by the act.
        if after < row.during.lower <= until and row.during.lower > row.created_at:
            turns.append((row.during.lower, "role.assigned", row))
        if row.during.upper and after < row.during.upper <= until and not row.ended_by:
            turns.append((row.during.upper, "role.withdrawn", row))
    turns.sort(key=lambda turn: (turn[0], str(turn[2].id)))
    for moment, action, row in turns:
        announce(row, action, at=moment)
    return len(turns)
