"""New ids in the manifests of a document: which still wait to take the place of former ones, and of which."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from accesscontrol.configuration.shape import Assignment, Configuration, Contract, Permission, Role
from accesscontrol.configuration.state import State
from applications.actions.superseding import CannotSupersede, heirs_of
from applications.actions.superseding import renamed as names_of
from applications.manifest import Manifest
from applications.models import Application
from tenants.models import Tenant
from tenants.models.spanned import still_open

Renamed = Mapping[tuple[str, ...], tuple[str, ...]]  # former → new, of resources and of roles


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


def renamed(tenant: Tenant, wanted: Configuration, now: Configuration, *, at: datetime) -> Renamed:
    """What the document gives other names, as an impact takes it (``Act.renamed``).

    What cannot take a place renames nothing: its step will say so.
    """
    standing = {one.id: one.manifest for one in now.applications or ()}
    manifests = {
        one.id: waiting(one.manifest, standing.get(one.id))
        for one in wanted.applications or ()
        if one.manifest is not None
    }
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    heirs = [one for one, manifest in manifests.items() if supersedes(manifest)]
    if not heirs:
        return found
    for row in Application.objects.filter(still_open(), owner=tenant, id__in=heirs):
        try:
            found |= names_of(row, heirs_of(row, manifests[row.id], at=at))
        except CannotSupersede:
            continue
    return found


def under_new_names(state: State, names: Renamed) -> State:
    """What stands, as it stands once the manifests are declared: it goes on by itself.

    Compared by former names, it would be given anew beside what went on, or be taken in vain.
    """
    if not names:
        return state

    def contract(one: Contract) -> Contract:
        return replace(one, roles=frozenset((app, _of(names, app, key)) for app, key in one.roles))

    def assignment(one: Assignment) -> Assignment:
        app = one.application_id
        return one if app is None else replace(one, role=_of(names, app, one.role))

    def permission(one: Permission) -> Permission:
        app, kind, key, privilege = one
        _, kind, key = names.get((app, kind, key), (app, kind, key))
        return app, kind, key, privilege

    def role(one: Role) -> Role:
        return replace(one, permissions=frozenset(map(permission, one.permissions)))

    was = state.configuration
    configuration = replace(
        was,
        contracts=None if was.contracts is None else tuple(contract(one) for one in was.contracts),
        roles=None if was.roles is None else tuple(role(one) for one in was.roles),
        assignments=None if was.assignments is None else tuple(assignment(one) for one in was.assignments),
    )
    return replace(
        state,
        configuration=configuration,
        provided=tuple(replace(one, contract=contract(one.contract)) for one in state.provided),
        assignments={assignment(one): pk for one, pk in state.assignments.items()},
        received={(who, app, _of(names, app, key)): ids for (who, app, key), ids in state.received.items()},
    )


def _of(names: Renamed, application_id: str, key: str) -> str:
    return names.get((application_id, key), (application_id, key))[1]
