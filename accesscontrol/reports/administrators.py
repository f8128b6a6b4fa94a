"""Who may administer the organization: every role of the portal that counts for somebody."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accesscontrol.decide import AssignmentFact, HeldRole, Permission
from accesscontrol.reports.shapes import Given, Report, Row, sizes
from accesscontrol.review import USER, Asked, Line, Order, part
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope

EVERYBODYS = "user"  # one's own account is no office


def _administrators(given: Given) -> Iterator[list[Row]]:
    """People by name, then services."""
    asked = Asked(
        tenant=given.tenant, application_id=PORTAL_ID, at=given.at, fits=_is_office, order=Order.NAME
    )
    after = None
    for size in sizes():
        with tenant_scope(given.tenant.id):
            found = part(asked, after=after, limit=size)
        yield [_row(change.line, way) for change in found.rows for way in change.line.through]
        if not found.more:
            return
        after = found.last


def _is_office(role: HeldRole, _permissions: frozenset[Permission]) -> bool:
    return role.relation == "tenant" or role.key != EVERYBODYS


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
