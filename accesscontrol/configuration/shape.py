"""A tenant's configuration in its normal form, in which two of them are compared. No rows here.

Everything goes by names that people write: no ids of rows, no secrets, no moments that have passed.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from applications.manifest import Manifest, ResourceKey
from iam_portal.decision import rfc3339
from iam_portal.gate import Privilege

VERSION = 1
SECTIONS = ("applications", "contracts", "groups", "roles", "assignments", "mappings")
OWN = "~."  # before the rest of an id that begins with the tenant's own slug
_ORDER = [privilege.value for privilege in Privilege]
_LOOKED_FOR = ("applicationId", "key", "name", "consumer", "type", "principal", "role", "provider", "kind")
USUAL = "every"  # when a mapping acts, where nothing is said

# application id, resource type, resource id, privilege
Permission = tuple[str, str, str, str]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application of the tenant's own. Without a manifest: it is not spoken of."""

    id: str
    name: str
    display_name: str
    description: str = ""
    home_url: str = ""
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the tenant provides to a partner (its slug). ``starts_at`` None: it has begun, or does at once."""

    consumer: str
    type: str
    roles: frozenset[tuple[str, str]]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    onward_access: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a group. ``starts_at`` None: it has begun, or begins at once."""

    user: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group in its place, with its own members by user name."""

    name: str
    description: str = ""
    parent: str | None = None
    members: frozenset[Member] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of the tenant's making."""

    key: str
    name: str
    description: str = ""
    permissions: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """``kind`` is user, group or application, ``principal`` its name.

    ``provider`` (a slug): the role is held through an access contract of that partner; ``contract_id`` where
    several of them give it. ``starts_at`` None: it has begun, or begins at once.
    """

    kind: str
    principal: str
    role: str
    application_id: str | None = None
    provider: str | None = None
    contract_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def what(self) -> tuple[str | None, ...]:
        """Who holds which role in which way, whenever."""
        return (
            self.kind,
            self.principal,
            self.application_id,
            self.role,
            self.provider,
            self.contract_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMapping:
    """What the word of an identity provider (its key) moves: into ``group`` by claim and value, or a name."""

    provider: str
    kind: str
    when: str
    claim: str = ""
    value: str = ""
    group: str | None = None
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Sections in the order of their document. One that is None is not spoken of; others are complete."""

    applications: tuple[Application, ...] | None = None
    contracts: tuple[Contract, ...] | None = None
    groups: tuple[Group, ...] | None = None
    roles: tuple[Role, ...] | None = None
    assignments: tuple[Assignment, ...] | None = None
    mappings: tuple[ProviderMapping, ...] | None = None

    def sections(self) -> tuple[str, ...]:
        """The names of those that are spoken of."""
        return tuple(name for name in SECTIONS if getattr(self, name) is not None)


class Names:
    """Ids of applications as a document writes them: those of the tenant's own begin with ``~.``.

    So the same document makes the same applications in another tenant.
    """

    def __init__(self, slug: str) -> None:
        self._own = f"{slug}."

    def short(self, application_id: str) -> str:
        """As it is written."""
        if application_id.startswith(self._own):
            return OWN + application_id.removeprefix(self._own)
        return application_id

    def full(self, written: str) -> str:
        """As it is."""
        return self._own + written.removeprefix(OWN) if written.startswith(OWN) else written


def document(configuration: Configuration, names: Names) -> Document:
    """The document of a configuration: sorted, and without what is at its default."""
    found: Document = {"version": VERSION}
    for section in configuration.sections():
        items = [written(item, names) for item in getattr(configuration, section)]
        found[section] = sorted(items, key=_sorted_by)
    return found


def written(item: Any, names: Names) -> Document:
    """One item of a section."""
    return _present(_WRITERS[type(item)](item, names))


def manifest(declared: Manifest, names: Names) -> Document:
    """A manifest in the form of the wire. What stands supersedes nothing any more."""
    resources = [
        _present(
            {
                "type": one.type,
                "id": one.key,
                "name": one.name,
                "description": one.description,
                "privileges": sorted(one.privileges, key=_ORDER.index),
                "parent": _address(one.parent),
                "supersedes": _address(one.supersedes),
            }
        )
        for _, one in sorted(declared.resources.items())
    ]
    roles = [
        _present(
            {
                "key": one.key,
                "name": one.name,
                "description": one.description,
                "permissions": _permissions({("", *held) for held in one.permissions}),
                "supersedes": one.supersedes,
            }
        )
        for _, one in sorted(declared.roles.items())
    ]
    required = [{"applicationId": names.short(app), "role": role} for app, role in sorted(declared.required)]
    return {"resources": resources, "roles": roles, **({"requiredRoles": required} if required else {})}


def _address(of: ResourceKey | None) -> Document | None:
    return {"type": of[0], "id": of[1]} if of is not None else None


def _application(item: Application, names: Names) -> Document:
    return {
        "applicationId": names.short(item.id),
        "name": item.name,
        "displayName": item.display_name,
        "description": item.description,
        "homeUrl": item.home_url,
        "manifest": manifest(item.manifest, names) if item.manifest is not None else None,
    }


def _contract(item: Contract, names: Names) -> Document:
    return {
        "consumer": item.consumer,
        "type": item.type,
        "roles": [{"applicationId": names.short(app), "role": role} for app, role in sorted(item.roles)],
        "startsAt": rfc3339(item.starts_at),
        "endsAt": rfc3339(item.ends_at),
        "onwardAccess": item.onward_access,
        "note": item.note,
    }


def _group(item: Group, names: Names) -> Document:
    return {
        "name": item.name,
        "description": item.description,
        "parent": item.parent,
        "members": sorted(one.user for one in item.members if not _is_timed(one)),
        "memberships": sorted(map(_member, filter(_is_timed, item.members)), key=_sorted_by),
    }


def _is_timed(item: Member) -> bool:
    return item.starts_at is not None or item.ends_at is not None


def _member(item: Member) -> Document:
    return _present({"user": item.user, "from": rfc3339(item.starts_at), "until": rfc3339(item.ends_at)})


def _role(item: Role, names: Names) -> Document:
    held = {(names.short(app), *rest) for app, *rest in item.permissions}
    return {
        "key": item.key,
        "name": item.name,
        "description": item.description,
        "permissions": _permissions(held),
    }


def _assignment(item: Assignment, names: Names) -> Document:
    who = names.short(item.principal) if item.kind == "application" else item.principal
    role = {"applicationId": names.short(item.application_id)} if item.application_id else {}
    return {
        "principal": {item.kind: who},
        "role": {**role, "key": item.role},
        "provider": item.provider,
        "contractId": item.contract_id,
        "from": rfc3339(item.starts_at),
        "until": rfc3339(item.ends_at),
    }


def _mapping(item: ProviderMapping, names: Names) -> Document:
    return {
        "provider": item.provider,
        "kind": item.kind,
        "when": item.when if item.when != USUAL else None,
        "claim": item.claim,
        "value": item.value,
        "group": item.group,
        "template": item.template,
    }


_WRITERS: Mapping[type, Any] = {
    Application: _application,
    Contract: _contract,
    Group: _group,
    Role: _role,
    Assignment: _assignment,
    ProviderMapping: _mapping,
}


def _permissions(held: Iterable[tuple[str, ...]]) -> list[Document]:
    found: dict[tuple[str, ...], list[str]] = {}
    for *address, privilege in sorted(held):
        found.setdefault(tuple(address), []).append(privilege)
    return [
        {
            **({"applicationId": app} if app else {}),
            "resourceType": kind,
            "resourceId": key,
            "privileges": sorted(privileges, key=_ORDER.index),
        }
        for (app, kind, key), privileges in found.items()
    ]


def _present(item: Document) -> Document:
    return {key: value for key, value in item.items() if value not in (None, "", [], False)}


def _sorted_by(item: Document) -> str:
    """As people look for it: by its name, then by the rest."""
    return json.dumps([*map(item.get, _LOOKED_FOR), item], sort_keys=True)
