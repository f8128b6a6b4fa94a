"""The revisions of an ACL: each content has its number, and each entry the number at which it last moved.

An entry's address is (owning tenant, resource type, resource id). Where a tenant has a resource of its own
beside a static one of the same address, the two move together.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accesscontrol.acl.content import Acl, build, digest
from accesscontrol.models import AclEntry, AclRevision
from applications.events import emit
from applications.models import Application
from iam_portal.decision import rfc3339
from iam_portal.walls import cross_tenant

Entry = dict[str, Any]
Address = tuple[str, str, str]

# Clocks of two processes differ: the one that is behind must not take the ACL back across a boundary.
SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole ACL with its revision, ready to be sent. ``generated_at``: since when it is known to be so."""

    application_id: str
    revision: int
    generated_at: datetime
    resources: list[Entry]

    def of_owner(self, tenant_id: str) -> "Snapshot":
        """One tenant's part of it. Of a tenant that is not served it is empty, and of an unknown one."""
        return replace(self, resources=[e for e in self.resources if e["owningTenantId"] == tenant_id])

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {**self.head(), "resources": self.resources}

    def head(self) -> dict[str, Any]:
        """The wire form without the entries."""
        return {
            "applicationId": self.application_id,
            "revision": self.revision,
            "generatedAt": rfc3339(self.generated_at),
        }

    def lines(self) -> Iterator[dict[str, Any]]:
        """The entries, each for a line of its own."""
        yield from self.resources


@dataclass(frozen=True, slots=True)
class Delta:
    """What leads from one revision to another. Of an address in ``changed`` the entries are all there are."""

    application_id: str
    revision: int
    since: int
    changed: list[Entry]
    removed: list[Address]

    @property
    def is_empty(self) -> bool:
        """Whether nothing moved."""
        return not self.changed and not self.removed

    def of_owner(self, tenant_id: str) -> "Delta":
        """One tenant's part of it."""
        return replace(
            self,
            changed=[entry for entry in self.changed if entry["owningTenantId"] == tenant_id],
            removed=[address for address in self.removed if address[0] == tenant_id],
        )

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            **self.head(),
            "changed": self.changed,
            "removed": [_removed(address) for address in self.removed],
        }

    def head(self) -> dict[str, Any]:
        """The wire form without the entries."""
        return {"applicationId": self.application_id, "revision": self.revision, "since": self.since}

    def lines(self) -> Iterator[dict[str, Any]]:
        """What changed and what is gone, each for a line of its own."""
        yield from self.changed
        for address in self.removed:
            yield {**_removed(address), "removed": True}


def snapshot(application: Application, *, at: datetime) -> Snapshot:
    """The complete ACL with a revision that has risen exactly when the content changed.

    Polls do not wait for each other: only who finds another content than the last one takes the lock.
    """
    acl = build(application, at=at)
    row = AclRevision.objects.filter(application=application).first()  # after the content: never an older one
    if row is not None and row.digest == acl.digest:
        return _shot(row, acl)
    return _risen(application, at)


def delta(application: Application, *, since: int, at: datetime) -> Delta | None:
    """What changed and what is gone since a revision; None when that is not known (any more).

    Meanwhile the ACL may rise again. What is there is told from the content that belongs to the revision, so
    an entry that moved later is told too early at worst as it is, and told again with the next delta.
    """
    shot = snapshot(application, at=at)
    with cross_tenant():  # entries of every tenant that is served
        rows = AclEntry.objects.filter(application=application, revision__gt=since)
        moved = {_address_of(*key) for key in rows.values_list("tenant_id", "type", "key")}
    # After the entries: what was forgotten before they were read is seen here.
    kept_from = AclRevision.objects.values_list("kept_from", flat=True).get(application=application)
    if not kept_from <= since <= shot.revision:  # beyond: given out by a database that is no more
        return None
    here = {address_of(entry) for entry in shot.resources}
    changed = [entry for entry in shot.resources if address_of(entry) in moved]
    return Delta(application.id, shot.revision, since, changed, sorted(moved - here))


def address_of(entry: Entry) -> Address:
    """What names an entry in a delta."""
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]


def _risen(application: Application, at: datetime) -> Snapshot:
    with transaction.atomic():
        AclRevision.objects.get_or_create(application=application)
        row = AclRevision.objects.select_for_update().get(application=application)
        if row.risen_at is not None and at < row.risen_at <= at + SKEW:
            at = row.risen_at
        acl = build(application, at=at)  # again, under the lock: revisions and contents rise together
        if row.digest != acl.digest:
            row.revision += 1
            if not row.digest:  # nothing is known of what was there before
                row.kept_from = row.revision
            row.digest, row.risen_at = acl.digest, at
            row.save()
            _note(row, acl.resources, at)
            emit(
                type="acl.changed",
                tenant_id=application.owner_id,
                application_id=application.id,
                subject=application.id,
                at=at,
                data={"applicationId": application.id, "revision": row.revision},
            )
    return _shot(row, acl)


def _note(row: AclRevision, entries: list[Entry], at: datetime) -> None:
    """Write at each entry that moved, or is gone, the revision at which it did."""
    by_address: dict[Address, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_address[address_of(entry)].append(entry)
    now = {address: digest(found) for address, found in by_address.items()}
    with cross_tenant():  # entries of every tenant that is served
        known = {
            _address_of(*key): was
            for *key, was in AclEntry.objects.filter(application=row.application_id).values_list(
                "tenant_id", "type", "key", "digest"
            )
        }
        moved = [address for address, value in now.items() if known.get(address) != value]
        gone = [address for address, value in known.items() if value and address not in now]
        AclEntry.objects.bulk_create(
            [
                AclEntry(
                    application_id=row.application_id,
                    tenant_id=address[0],
                    type=address[1],
                    key=address[2],
                    digest=now.get(address, ""),
                    revision=row.revision,
                    removed_at=None if address in now else at,
                )
                for address in moved + gone
            ],
            update_conflicts=True,
            unique_fields=["application", "tenant", "type", "key"],
            update_fields=["digest", "revision", "removed_at"],
            batch_size=1000,
        )


def _shot(row: AclRevision, acl: Acl) -> Snapshot:
    assert row.risen_at is not None
    return Snapshot(row.application_id, row.revision, row.risen_at, acl.resources)


def _address_of(tenant_id: object, type: object, key: object) -> Address:
    return str(tenant_id), str(type), str(key)


def _removed(address: Address) -> dict[str, str]:
    return dict(zip(("owningTenantId", "resourceType", "resourceId"), address, strict=True))
