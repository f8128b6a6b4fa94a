"""The jobs' acts for applications that mirror their ACL: tell that it moved, forget what is long gone."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest

from accesscontrol import acl
from accesscontrol.models import AclEntry, AclRevision
from applications import events
from applications.models import Application, Watermark
from iam_portal.walls import cross_tenant

BATCH = 1_000
_NAME = "acls"

# Every act and every planned moment that can move an ACL has its event: of the application, of a contract,
# or of a tenant's own role. Only applications that read their ACL have a revision.
_MOVED = """
WITH told AS (
    SELECT type, tenant_id, application_id, subject,
        CASE WHEN type LIKE 'iam.contract.%%' THEN subject::uuid END AS contract_id
    FROM applications_event
    WHERE position > %(after)s AND position <= %(head)s
        AND type NOT LIKE 'iam.acl.%%' AND type NOT LIKE 'iam.role.assigned.%%'
        AND type NOT LIKE 'iam.role.withdrawn.%%'
), moved AS (
    SELECT application_id FROM told
    UNION
    SELECT r.application_id FROM told
    JOIN applications_contractterm t ON t.contract_id = told.contract_id
    JOIN applications_applicationrole r ON r.id = t.role_id
    UNION
    SELECT s.application_id FROM told
    JOIN accesscontrol_tenantrole o ON o.tenant_id = told.tenant_id AND o.key = told.subject
    JOIN accesscontrol_tenantrolepermission p ON p.role_id = o.id
    JOIN applications_resource s ON s.id = p.resource_id
    WHERE told.type LIKE 'iam.role.%%' AND told.application_id IS NULL
)
SELECT a.application_id FROM accesscontrol_aclrevision a JOIN moved ON moved.application_id = a.application_id
ORDER BY 1
"""


def watch(*, at: datetime) -> int:
    """Raise the revision of each ACL that moved since the last run. How many were looked at.

    Two runs at once do the same work twice and tell nothing twice: a revision rises with the content. What
    one that was killed has left is done by the next.
    """
    mark, _ = Watermark.objects.get_or_create(name=_NAME, defaults={"at": at, "position": 0})
    events.sequence()
    head = events.head()
    moved = _moved(after=mark.position or 0, head=head)
    for application in Application.objects.filter(id__in=moved).order_by("id"):
        acl.snapshot(application, at=at)
    row = Watermark.objects.filter(name=_NAME, position__lt=head)
    row.update(at=Greatest(F("at"), at), position=head)
    return len(moved)


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


def _moved(*, after: int, head: int) -> list[str]:
    with cross_tenant(), connection.cursor() as cursor:  # events and roles of every tenant
        cursor.execute(_MOVED, {"after": after, "head": head})
        return [application_id for (application_id,) in cursor.fetchall()]
