"""The port through which lower apps ask for a permission: its grammar, the actor, and who answers.

A page or API declares ``permission = Permission.parse("Modules:read")`` and imports nothing upward; the
setting ``IAM_GATE`` names the answering object (accesscontrol's).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from iam_portal.decision import Decision, Reason
from iam_portal.errors import Forbidden
from iam_portal.sentences import said


class Privilege(StrEnum):
    """The five things one may do with a resource."""

    READ = "read"
    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Permission:
    """A privilege on one of the portal's own resources, written ``Resource:privilege``."""

    resource: str
    privilege: Privilege

    @classmethod
    def parse(cls, text: str) -> "Permission":
        resource, _, privilege = text.partition(":")
        return cls(resource, Privilege(privilege))

    @classmethod
    def alternatives(cls, text: str) -> "tuple[Permission, ...]":
        """``A:read|B:read``: a door that opens to either; what is behind it asks again, row by row."""
        return tuple(cls.parse(part) for part in text.split("|"))

    def __str__(self) -> str:
        return f"{self.resource}:{self.privilege}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, a service (application) or the system, with what history notes of the request.

    ``tenant_id`` is the tenant in which the actor stands. ``kind`` is ``user``, ``service``, ``scim`` (a
    directory's token) or ``system``.
    """

    kind: str
    id: str
    name: str
    tenant_id: UUID | None
    request_id: str = ""
    source_address: str = ""
    only_roles: frozenset[str] | None = None  # a token that was narrowed to some of the roles held
    of: "Actor | None" = None  # whose permissions count, where a credential acts that somebody made

    @classmethod
    def system(cls, name: str = "portal") -> "Actor":
        """The portal itself: jobs, commands and consequences."""
        return cls("system", "system", name, None)


Answers = Callable[[Permission], Decision]  # of one actor in one tenant at a moment


class Gate(Protocol):
    """Answers whether an actor holds a permission in a tenant at a moment."""

    def decide(self, *, actor: Actor, tenant_id: UUID, permission: Permission, at: datetime) -> Decision: ...

    def answers(self, *, actor: Actor, tenant_id: UUID, at: datetime) -> Answers:
        """The same for any number of permissions, from facts that are read once: for a page's buttons."""
        ...


@cache
def gate() -> Gate:
    """The answering object that settings name."""
    return cast(Gate, import_string(settings.IAM_GATE)())


def require(*, actor: Actor, tenant_id: UUID, permission: Permission, at: datetime) -> Decision:
    """The yes with its chain, or :class:`Forbidden` with the chain of the no."""
    return first_yes(gate().answers(actor=actor, tenant_id=tenant_id, at=at), (permission,))


def first_yes(answer: Answers, permissions: tuple[Permission, ...]) -> Decision:
    """The first yes of answers whose facts are read, or :class:`Forbidden` with the reasons of every no."""
    refusals: list[Reason] = []
    for permission in permissions:
        decision = answer(permission)
        if decision:
            return decision
        refusals += decision.reasons
    names = " or ".join(map(str, permissions))
    raise Forbidden(said("This needs the permission %(names)s.", {"names": names}), reasons=tuple(refusals))
