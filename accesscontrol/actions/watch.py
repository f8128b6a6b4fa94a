"""The job's act for assignments: tell each planned beginning and end that has passed, once."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from accesscontrol.actions.assigned import announce
from accesscontrol.models import Assignment
from applications.models import Watermark
from iam_portal.walls import cross_tenant

_NAME = "assignments"
# An act that committed after the last run may have planned a boundary before it: runs overlap by longer than
# a transaction can last. ``told_at`` of a row says what of it was told.
OVERLAP = timedelta(minutes=15)


def run(*, at: datetime) -> int:
    """One transaction, one runner at a time; killed, it has told nothing. The number of events."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('iam:assignment-job', 0))")
            if not cursor.fetchone()[0]:
                return 0
        mark, _ = Watermark.objects.get_or_create(name=_NAME, defaults={"at": at})
        told = _tell(mark.at - OVERLAP, at)
        if told or at - mark.at > OVERLAP / 15:  # a run that found nothing need not write each second
            Watermark.objects.filter(name=_NAME, at__lt=at).update(at=at)
    return told


def _tell(after: datetime, until: datetime) -> int:
    """Rows are locked: an act on one of them waits. One that an act holds is looked at in the next run."""
    turns: list[tuple[datetime, str, Assignment]] = []
    with cross_tenant():
        rows = list(_due(after, until).select_for_update(of=("self",), no_key=True, skip_locked=True))
        for row in rows:
            begun, over = row.during.lower, row.during.upper
            # What began with its act was told by the act.
            if after < begun <= until and begun > row.created_at and _untold(row, begun):
                turns.append((begun, "role.assigned", row))
            if over and after < over <= until and not row.ended_by and _untold(row, over):
                turns.append((over, "role.withdrawn", row))
        for row in rows:
            over = row.during.upper
            row.told_at = over if over is not None and over <= until else row.during.lower
        Assignment.objects.bulk_update(rows, ["told_at"], batch_size=1000)
    turns.sort(key=lambda turn: (turn[0], str(turn[2].id)))
    for moment, action, row in turns:
        announce(row, action, at=moment)
    return len(turns)


def _due(after: datetime, until: datetime) -> QuerySet[Assignment]:
    """Rows with a planned moment in the window that is later than what was told of them."""
    begun = Q(during__startswith__gt=after, during__startswith__lte=until)
    begun &= Q(told_at=None) | Q(told_at__lt=F("during__startswith"))
    over = Q(during__endswith__gt=after, during__endswith__lte=until, ended_by="")
    over &= Q(told_at=None) | Q(told_at__lt=F("during__endswith"))
    rows = Assignment.objects.filter(begun | over, during__isempty=False)
    return rows.select_related("application_role", "tenant_role")


def _untold(row: Assignment, moment: datetime) -> bool:
    return row.told_at is None or row.told_at < moment
