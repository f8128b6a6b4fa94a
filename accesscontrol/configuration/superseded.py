"""New ids in the manifests of a document: which still wait to take the place of former ones, and of which."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from accesscontrol.configuration.steps import Step
from applications.actions.superseding import CannotSupersede, heirs_of
from applications.actions.superseding import renamed as names_of
from applications.manifest import Manifest
from applications.models import Application
from tenants.models import Tenant
from tenants.models.spanned import still_open


def supersedes(manifest: Manifest | None) -> bool:
    """Whether any id of it takes the place of a former one."""
    if manifest is None:
        return False
    named = any(row.supersedes for row in manifest.resources.values())
    return named or any(row.supersedes for row in manifest.roles.values())


def waiting(manifest: Manifest, now: Manifest | None) -> Manifest:
    """Without what has taken its place already: the same document can be applied for years."""
    if now is None or not supersedes(manifest):
        return manifest
    resources = {
        key: replace(row, supersedes=None)
        if key in now.resources and row.supersedes not in now.resources
        else row
        for key, row in manifest.resources.items()
    }
    roles = {
        key: replace(row, supersedes=None) if key in now.roles and row.supersedes not in now.roles else row
        for key, row in manifest.roles.items()
    }
    return Manifest(resources, roles, manifest.required)


def renamed(
    tenant: Tenant, steps: Iterable[Step], *, at: datetime
) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """What the steps give other names, as an impact takes it (``Act.renamed``).

    What cannot take a place renames nothing: its step will say so.
    """
    wanted = {
        step.wanted.id: step.wanted.manifest
        for step in steps
        if step.act == "manifest.declare" and supersedes(step.wanted.manifest)
    }
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    if not wanted:
        return found
    for row in Application.objects.filter(still_open(), owner=tenant, id__in=list(wanted)):
        try:
            found |= names_of(row, heirs_of(row, wanted[row.id], at=at))
        except CannotSupersede:
            continue
    return found
