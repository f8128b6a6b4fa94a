"""Who may administer the organization: every role of the portal that counts for somebody."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accesscontrol.decide import AssignmentFact
from accesscontrol.reports.shapes import Given, Report, Row
from accesscontrol.review import USER, Line, review
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope

EVERYBODYS = "user"  # one's own account is no office


def _administrators(given: Given) -> Iterator[list[Row]]:
    with tenant_scope(given.tenant.id):
        found = review(tenant=given.tenant, application_id=PORTAL_ID, since=given.at)
        lines = [line for line in found.lines(given.at) if line.role.key != EVERYBODYS]
    lines.sort(key=lambda line: (line.name.casefold(), line.key))
    yield [_row(line, way) for line in lines for way in line.through]


def _row(line: Line, way: AssignmentFact) -> Row:
    group = way.via.group_name if way.via else ""
    return (
        line.name,
        line.role.key,
        group,
        way.by,
        way.span.start,
        way.span.end,
        line.kind,
        line.principal_id,
    )


ADMINISTRATORS = Report(
    key="administrators",
    title=_("Administrators"),
    lead=_("Who holds which role of the portal at a moment, through what, and who gave it."),
    icon="role",
    columns=(
        ("name", _("Name")),
        ("role", _("Role")),
        ("group", _("Through the group")),
        ("givenBy", _("Given by")),
        ("since", _("Since")),
        ("until", _("Until")),
        ("kind", _("Kind")),
        ("id", _("Id")),
    ),
    batches=_administrators,
    about=lambda row: ("user" if row[-2] == USER else "application", str(row[-1])),
    asks=("at",),
)
