"""What somebody changed of a role's permissions so far: carried by the form itself, as differences.

A role may hold thousands of permissions, a page shows some of them. Only what differs from the stored role
travels, so that what others changed meanwhile is neither lost nor undone by a form that was drawn before.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.http import QueryDict

from accesscontrol.views.matrix import Held, mask, unmasked
from iam_portal.errors import Invalid

MOST = 500  # resources that one form may change
_ENTRY = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,2})\.(\d{1,2})", re.ASCII)
NO_DRAFT = "The form was not sent as it was drawn. Nothing was changed; open the page anew."


@dataclass(frozen=True, slots=True)
class Draft:
    """By resource: what it was when it was drawn, and what it shall be (bits of ``matrix.mask``)."""

    changes: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: QueryDict) -> "Draft":
        """What was carried, and the boxes of the rows that were drawn. Invalid for anything else."""
        changes = {pk: (was, shall) for pk, was, shall in map(_entry, data.get("kept", "").split())}
        ticked: dict[str, set[str]] = {}
        for box in data.getlist("p"):
            name, _dot, privilege = box.partition(".")
            ticked.setdefault(name, set()).add(privilege)
        for pk, was, locked in map(_entry, data.get("rows", "").split()):
            boxes = _bits(ticked.get(str(pk), set()))
            shall = (was & locked) | (boxes & ~locked)
            changes[pk] = (was, shall)
        return cls({pk: (was, shall) for pk, (was, shall) in changes.items() if was != shall})

    def over(self, stored: Held) -> dict[UUID, frozenset[str]]:
        """The stored role with what was added and without what was taken away, on whatever it is now."""
        made = dict(stored)
        for pk, (was, shall) in self.changes.items():
            now = mask(stored.get(pk, ()))
            made[pk] = unmasked((now | (shall & ~was)) & ~(was & ~shall))
        return {pk: held for pk, held in made.items() if held}

    def bases(self, stored: Held) -> dict[UUID, frozenset[str]]:
        """What is stored of those that are changed."""
        return {pk: stored.get(pk, frozenset()) for pk in self.changes}

    def carried(self, stored: Held, *, without: Iterable[UUID] = ()) -> str:
        """For the form, on top of what is stored now; ``without`` those that stand there as rows."""
        drawn, wanted = set(without), self.over(stored)
        return " ".join(
            f"{pk}.{mask(stored.get(pk, ()))}.{mask(wanted.get(pk, ()))}"
            for pk in self.changes
            if pk not in drawn
        )


def _entry(text: str) -> tuple[UUID, int, int]:
    found = _ENTRY.fullmatch(text)
    if found is None or int(found[2]) > 31 or int(found[3]) > 31:
        raise Invalid(NO_DRAFT)
    return UUID(found[1]), int(found[2]), int(found[3])


def _bits(privileges: set[str]) -> int:
    try:
        return mask(privileges)
    except ValueError:
        raise Invalid(NO_DRAFT) from None
