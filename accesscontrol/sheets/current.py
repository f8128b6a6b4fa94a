"""Whose workbook it is, and of when: another organization's, or one of yesterday, changes nothing."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from accesscontrol.configuration import plans, shape
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.offered import offered
from accesscontrol.sheets.reading import Uploaded
from accesscontrol.sheets.tables import SECTIONS
from accesscontrol.sheets.writing import About, Resource, write
from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants.models import Tenant

MOST = 5_000  # resources that are offered to be chosen; those that a role holds stand there anyway


class SheetOfAnother(Invalid):
    """The workbook was downloaded from another organization, or says so."""

    code = "sheet_of_another"


class SheetOutdated(DomainError):
    """The organization is another than when the workbook was downloaded. Nothing was changed."""

    code = "sheet_outdated"
    kind = Kind.STALE


def workbook(*, tenant: Tenant, by: Actor, at: datetime) -> bytes:
    """What the actor may read of roles, groups and mappings, as a file."""
    found = plans.export(tenant=tenant, by=by, at=at, sections=SECTIONS)
    resources: list[Resource] = []
    if found.roles is not None:
        with tenant_scope(tenant.id):
            resources = [
                Resource(
                    address=(one.application_id, one.type, one.key), name=one.name, privileges=one.privileges
                )
                for one in offered(tenant.id, at=at, most=MOST)
            ]
    revisions = _revisions(found, Names(tenant.slug))
    about = About(name=tenant.name, tenant_id=str(tenant.id), revisions=revisions, at=at)
    return write(found, resources, about)


def require_current(uploaded: Uploaded, *, tenant: Tenant, by: Actor, at: datetime) -> None:
    """Refuse what would undo what others did since the download.

    Asked where the plan is made, and under the locks before it is applied. A section that the actor may not
    read is left to the plan, which refuses it.
    """
    if uploaded.tenant_id != str(tenant.id):
        raise SheetOfAnother(said("This workbook is not from this organization. Nothing was changed."))
    sections = [name for name in SECTIONS if name in uploaded]
    now = _revisions(plans.readable(tenant=tenant, by=by, at=at, sections=sections), Names(tenant.slug))
    moved = [name for name, revision in now.items() if uploaded.revisions.get(name) != revision]
    if moved:
        text = said(
            "The organization has changed since this workbook was downloaded. Nothing was changed by you:"
            " download it again, and make your changes there."
        )
        raise SheetOutdated(text, data={"sections": moved})


def _revisions(found: Configuration, names: Names) -> Mapping[str, str]:
    document = shape.document(found, names)
    return {
        name: f"s-{hashlib.sha256(json.dumps(document[name], sort_keys=True).encode()).hexdigest()[:32]}"
        for name in found.sections()
    }
