"""The jobs' acts for applications that mirror their ACL: tell that it moved, forget what is long gone."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from accesscontrol import acl
from accesscontrol.models import AclEntry, AclMark, AclRevision
from applications.models import Application
from iam_portal.walls import cross_tenant
from tenants.models.batches import first

BATCH = 1_000


def watch(*, at: datetime) -> int:
    """Raise the revision of each ACL that moved: it is marked, or turned by plan. How many were looked at.

    Only applications that read their ACL have a revision. Two runs at once do the same work twice and tell
    nothing twice: a revision rises with the content. What one that was killed has left is done by the next.
    """
    marked = AclMark.objects.values("application_id")
    moved = Application.objects.filter(
        Q(id__in=AclRevision.objects.filter(Q(application__in=marked) | Q(until__lte=at)).values("pk"))
    )
    rows = list(moved.order_by("id"))
    for application in rows:
        acl.standing(application, at=at)
    return len(rows)


def drop_unread_marks() -> int:
    """Take away marks of applications that do not read their ACL, up to ten thousand; how many.

    Who reads for the first time has his revision there before he looks at anything: a mark that is dropped
    here was made by a change that he sees.
    """
    readers = AclRevision.objects.filter(application=OuterRef("application_id"))
    return first(AclMark.objects.filter(~Exists(readers)), 10 * BATCH).delete()[0]


def prune(*, before: datetime) -> int:
    """Forget entries that are gone since before then, up to a thousand of one application; how many.

    Who asks since a revision before the last of their removals reads the snapshot from now on. The revision
    is locked first, as by who raises it.
    """
    with transaction.atomic(), cross_tenant():  # of the ACLs of all
        gone = AclEntry.objects.filter(removed_at__lt=before).order_by("removed_at", "id")
        application_id = gone.values_list("application", flat=True).first()
        if application_id is None:
            return 0
        row = AclRevision.objects.select_for_update().get(application=application_id)
        keys = list(gone.filter(application=application_id).values_list("pk", flat=True)[:BATCH])
        rows = AclEntry.objects.filter(pk__in=keys)
        last = rows.aggregate(last=Max("revision"))["last"] or 0
        row.kept_from = max(row.kept_from, last)
        row.save(update_fields=["kept_from"])
        return rows.delete()[0]
