"""A copy of the application's ACL: a snapshot once, what changed afterwards, kept in a file."""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iam_django.portal import Portal, PortalAway

ACL = "/iam/access-management/v1/application/acl"
Address = tuple[str, str, str]
Grants = dict[str, frozenset[str]]


@dataclass(slots=True)
class AclMirror:
    """By (owning tenant, resource type, resource id): role URN → privileges.

    ``file``: where the copy outlives the process; a start while the portal is away goes on with it.
    """

    portal: Portal
    file: Path | None = None
    revision: int | None = None
    entries: dict[Address, Grants] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.file is not None:
            self._read(self.file)

    def may(self, roles: Iterable[str], privilege: str, *, tenant: str, type: str, id: str) -> bool:
        """Whether one of the roles opens this resource of this tenant."""
        grants = self.entries.get((tenant, type, id), {})
        return any(privilege in grants.get(role, ()) for role in roles)

    def opened(self, roles: Iterable[str]) -> dict[Address, list[str]]:
        """All that the roles open, each with its privileges."""
        held = list(roles)
        found = {}
        for address, grants in self.entries.items():
            if opened := frozenset().union(*(grants.get(role, frozenset()) for role in held)):
                found[address] = sorted(opened)
        return found

    def refresh(self) -> bool:
        """Come up to date; whether anything changed. Where that fails the copy stays as it was."""
        with self._lock:
            before = self.revision
            if self.revision is None or not self._follow(self.revision):
                self._begin()
            if self.revision != before and self.file is not None:
                self._write(self.file)
            return self.revision != before

    def _follow(self, revision: int) -> bool:
        """False where what changed since is not known any more: away for too long, or a restored portal."""
        answer = self.portal.get(ACL, since=revision)
        if answer.status == 410:
            return False
        if answer.status != 200:
            raise PortalAway(str(answer.status))
        entries = dict(self.entries)  # readers see the one or the other, never a half
        for entry in [*answer.body["changed"], *answer.body["removed"]]:
            entries.pop(_address(entry), None)
        _add(entries, answer.body["changed"])
        self.entries, self.revision = entries, answer.body["revision"]
        return True

    def _begin(self) -> None:
        answer = self.portal.get(ACL)
        if answer.status != 200:
            raise PortalAway(str(answer.status))
        entries: dict[Address, Grants] = {}
        _add(entries, answer.body["resources"])
        self.entries, self.revision = entries, answer.body["revision"]

    def _write(self, file: Path) -> None:
        """Whole or not at all, also where the machine stops in the middle."""
        kept = [
            [*address, {role: sorted(privileges) for role, privileges in grants.items()}]
            for address, grants in self.entries.items()
        ]
        document = {"clientId": self.portal.client_id, "revision": self.revision, "entries": kept}
        replaced(file, json.dumps(document))

    def _read(self, file: Path) -> None:
        """What cannot be read, or is another application's, is as if it were not there."""
        try:
            document = json.loads(file.read_text())
            if document["clientId"] != self.portal.client_id:
                return
            entries = {
                (tenant, type, id): {role: frozenset(found) for role, found in grants.items()}
                for tenant, type, id, grants in document["entries"]
            }
            self.entries, self.revision = entries, document["revision"]
        except (OSError, ValueError, KeyError, TypeError):
            return


def replaced(file: Path, text: str) -> None:
    """Put the text in the place of what the file had."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with fresh.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(fresh, file)


def _add(entries: dict[Address, Grants], found: Iterable[Mapping[str, Any]]) -> None:
    """A static resource and one of the tenant's own may share an address."""
    fresh: dict[Address, Grants] = {}
    for entry in found:
        grants = fresh.setdefault(_address(entry), {})
        for grant in entry["grants"]:
            grants[grant["role"]] = grants.get(grant["role"], frozenset()) | frozenset(grant["privileges"])
    entries.update(fresh)


def _address(entry: Mapping[str, Any]) -> Address:
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]
