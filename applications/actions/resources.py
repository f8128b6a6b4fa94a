"""Resources of a tenant's own, kept by an application that runs for it: made, changed and ended at run time.

Many at once cost as many statements as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from applications.actions import places
from applications.actions.resource_rows import (
    Place,
    address_of,
    around,
    living,
    lock,
    record,
    require_pace,
    snapshot,
    subject_of,
    tell,
)
from applications.models import Resource
from applications.placing import DEEPEST, Address, Forest
from applications.policies import Stale
from applications.signals import resources_ended, resources_narrowed
from iam_portal.errors import DomainError, Invalid
from iam_portal.sentences import said
from tenants import history
from tenants.models import since, still_open
from tenants.models.spanned import clipped

MOST = 50_000  # of one application in one tenant: the ACL is read as a whole
_COLUMNS = ("name", "description", "icon", "revision")
_REFERENCES = ["application", "owner_tenant"]


class IsStatic(DomainError):
    """The application declares a static resource of this address, which every tenant has."""

    code = "resource_is_static"


class ParentUnknown(DomainError):
    """There is no such resource here that could contain it."""

    code = "parent_unknown"


class ContainsItself(DomainError):
    """It would come to stand below itself."""

    code = "resource_loop"


class TooDeep(DomainError):
    """It would stand, or something below it would, too far below the outermost."""

    code = "resource_too_deep"


class TooMany(DomainError):
    """The application keeps as many resources in this tenant as it can."""

    code = "resource_limit"


class ListedTwice(Invalid):
    """The same address stands in the list before."""

    code = "listed_twice"


_OBJECTIONS: dict[str, type[DomainError]] = {
    "parent_unknown": ParentUnknown,
    "resource_loop": ContainsItself,
    "resource_too_deep": TooDeep,
}
_WORDS = {
    "parent_unknown": "There is no such resource here that could contain it.",
    "resource_loop": "It would come to stand below itself.",
    "resource_too_deep": said("Resources stand at most %(deepest)s levels deep.", {"deepest": DEEPEST}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A resource as it is to be. ``revision``: the one that the caller has seen, when he says so."""

    address: Address
    name: str
    privileges: tuple[str, ...]
    description: str = ""
    icon: str = ""
    parent: Address | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: the resource, and whether it was made by this; or why not."""

    row: Resource | None = None
    made: bool = False
    refusal: DomainError | None = None


def put(place: Place, wanted: Wanted) -> Outcome:
    """Make the resource, or make it this one. The refusal is raised."""
    (outcome,) = put_many(place, [wanted])
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome


def put_many(place: Place, wanted: Sequence[Wanted]) -> list[Outcome]:
    """The same for many, in their order: one that is refused leaves the others as they are.

    What contains one is there already, or stands before it in the list. Runs in the tenant's scope.
    """
    with transaction.atomic():
        lock(place)
        batch = _Batch.of(place, wanted)
        outcomes = [batch.take(item) for item in wanted]
        if batch.made or batch.changed:
            require_pace(place)
        batch.write()
    return outcomes


def end(place: Place, address: Address, *, revision: int | None = None) -> None:
    """End it now, and whatever was granted on it. What it contained stands for itself from then on.

    One that is not there is ended already.
    """
    with transaction.atomic():
        lock(place)
        row = next((row for row in living(place, [address]) if row.owner_tenant_id is not None), None)
        _require(row, revision)
        if row is None:
            return
        require_pace(place)
        before = snapshot(row, around(place, [row.id], []).parents[address])
        Resource.objects.filter(id=row.id).update(during=clipped(place.at))
        places.end([row.id], at=place.at)
        resources_ended.send(sender=Resource, resource_ids=[row.id], at=place.at)
        record(place, "resource.ended", [history.Change(subject_of(row), before, None)])
        tell(place, removed=[address])


def _require(row: Resource | None, revision: int | None) -> None:
    if revision is not None and (row is None or row.revision != revision):
        data = {"revision": f"r-{row.revision}"} if row is not None else {}
        raise Stale("It was changed meanwhile. Nothing was changed by you.", data=data)


class _Batch:
    """What is there at the addresses of a list, what becomes of it, and then the writing: six statements."""

    def __init__(self, place: Place, rows: Sequence[Resource], forest: Forest, room: int) -> None:
        self.place, self.forest, self.room = place, forest, room
        self.static = {address_of(row): row for row in rows if row.owner_tenant_id is None}
        self.own = {address_of(row): row for row in rows if row.owner_tenant_id is not None}
        self.before = {row.id: self._snapshot(row) for row in self.own.values()}
        self.taken: set[Address] = set()
        self.made: list[Resource] = []
        self.changed: list[Resource] = []
        self.moved: list[Resource] = []  # of these, what stands or offers otherwise than before
        self.narrowed: list[Resource] = []  # of these, what offers less

    @classmethod
    def of(cls, place: Place, wanted: Sequence[Wanted]) -> "_Batch":
        named = {item.address for item in wanted} | {
            item.parent for item in wanted if item.parent is not None
        }
        rows = living(place, sorted(named))
        own = {address_of(row): row for row in rows if row.owner_tenant_id is not None}
        static = {address_of(row): row for row in rows if row.owner_tenant_id is None}
        ids: dict[Address | None, UUID] = {address: row.id for address, row in {**own, **static}.items()}
        moving = [
            own[item.address].id
            for item in wanted
            if item.address in own and own[item.address].parent_id != ids.get(item.parent)
        ]
        near = around(place, [row.id for row in own.values()], moving)
        # Who began earlier and came later changes it from now on: what was before him, was.
        place = replace(place, at=max(place.at, near.since))
        kept = Resource.objects.filter(still_open(), application=place.application, owner_tenant=place.tenant)
        return cls(place, rows, Forest(near.parents, static), MOST - kept.count())

    def take(self, wanted: Wanted) -> Outcome:
        """One of the list, as what was taken before has left things."""
        try:
            return self._take(wanted)
        except DomainError as refusal:
            return Outcome(refusal=refusal)

    def write(self) -> None:
        """Rows, history and event."""
        rows = [*self.made, *self.changed]
        if not rows:
            return
        Resource.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=_COLUMNS
        )
        place = self.place
        if self.moved:
            places.end([row.id for row in self.moved], at=place.at)
        places.begin([*self.made, *self.moved], at=place.at)
        if self.narrowed:
            ids = [row.id for row in self.narrowed]
            resources_narrowed.send(sender=Resource, resource_ids=ids, at=place.at)
        for action, found in (("resource.created", self.made), ("resource.changed", self.changed)):
            changes = [
                history.Change(subject_of(row), self.before.get(row.id), self._snapshot(row)) for row in found
            ]
            record(place, action, changes)
        tell(
            place,
            added=[address_of(row) for row in self.made],
            changed=[address_of(row) for row in self.changed],
        )

    def _take(self, wanted: Wanted) -> Outcome:
        address, row = wanted.address, self.own.get(wanted.address)
        if address in self.taken:
            raise ListedTwice("This address stands in the list before.")
        self.taken.add(address)
        _require(row, wanted.revision)
        if address in self.static:
            raise IsStatic("The application declares a static resource of this address.")
        if row is None and self.room < 1:
            raise TooMany(
                said("An application keeps at most %(most)s resources in one organization.", {"most": MOST})
            )
        if row is not None and self._is(row, wanted):
            return Outcome(row)
        if objection := self.forest.objection(address, wanted.parent):
            raise _OBJECTIONS[objection](_WORDS[objection])
        return self._become(wanted, row)

    def _become(self, wanted: Wanted, row: Resource | None) -> Outcome:
        made, former = row is None, (list[str](), None) if row is None else (row.privileges, row.parent_id)
        if row is None:
            row = self._fresh(wanted.address)
        row.name, row.description, row.icon = wanted.name, wanted.description, wanted.icon
        row.privileges, row.parent_id = list(wanted.privileges), self._parent(wanted)
        row.revision += 1
        row.clean_fields(exclude=_REFERENCES)
        self.forest.put(wanted.address, wanted.parent)
        if made:
            self.room -= 1
            self.own[wanted.address] = row
            self.made.append(row)
            return Outcome(row, made)
        self.changed.append(row)
        if former != (row.privileges, row.parent_id):
            self.moved.append(row)
        if not set(former[0]) <= set(row.privileges):
            self.narrowed.append(row)
        return Outcome(row)

    def _fresh(self, address: Address) -> Resource:
        return Resource(
            application=self.place.application,
            owner_tenant=self.place.tenant,
            type=address[0],
            key=address[1],
            during=since(self.place.at),
            revision=0,
        )

    def _is(self, row: Resource, wanted: Wanted) -> bool:
        asked = (wanted.name, wanted.description, wanted.icon, list(wanted.privileges), wanted.parent)
        parent = self.forest.parent_of(wanted.address)
        return (row.name, row.description, row.icon, row.privileges, parent) == asked

    def _parent(self, wanted: Wanted) -> UUID | None:
        """A static one before the tenant's own of the same name, as in every question."""
        if wanted.parent is None:
            return None
        return (self.static.get(wanted.parent) or self.own[wanted.parent]).id

    def _snapshot(self, row: Resource) -> dict[str, Any]:
        return snapshot(row, self.forest.parent_of(address_of(row)))
