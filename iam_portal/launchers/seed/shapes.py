"""The shapes of the demo's data. Days count from the day of the first seeding: -30 is a month before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What people of a company do, as the portal's roles. An administrator is made first and holds all of them.
# Everybody is a "user" through the groups at the top of his company.
ADMINISTRATOR: tuple[str, ...] = ()
CONTRACTS = ("provision-contract-manager", "access-contract-manager", "organization-relation-manager")
ACCESS = ("access-manager",)
DEVELOPER = ("module-manager",)
AUDITOR = ("reviewer", "user-reader")
OPERATOR = ("organization-manager", "activity-log-reader")

# What a service needs to act the story by REST.
AUTOMATION = (
    "provision-contract-manager",
    "access-contract-manager",
    "module-manager",
    "access-manager",
    "user-reader",
    "activity-log-reader",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with portal roles; ``groups`` name groups of the company."""

    username: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant. The first person is its administrator. ``groups`` are (name, parent), parents first."""

    slug: str
    name: str
    people: tuple[Person, ...]
    groups: tuple[tuple[str, str], ...] = ()
    joined: int = -400
    suspended: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A resource of an application: its type is ``urn:<owner>:<kind>``; privileges like ``read modify``."""

    kind: str
    name: str
    privileges: str = "read add modify delete"


@dataclass(frozen=True, slots=True)
class App:
    """An application of a company; its id is ``<owner>.<key>``. Roles say what each may do with what."""

    owner: str
    key: str
    name: str
    description: str
    parts: Mapping[str, Part]
    roles: Mapping[str, Mapping[str, str]]
    requires: tuple[tuple[str, str], ...] = ()
    registered: int = -380
    suspended: tuple[int, str] | None = None

    @property
    def id(self) -> str:
        return f"{self.owner}.{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A contract and its life. Without ``proposed`` a draft, without ``answer`` unanswered.

    ``answer`` is ``accepted``, ``declined`` or ``withdrawn``; ``pauses`` are (from, until or nothing);
    ``ended`` is (side, day) of an end that nobody had planned.
    """

    key: str
    provider: str
    consumer: str
    app: str
    roles: tuple[str, ...]
    note: str
    drafted: int
    type: str = "provision"
    onward: bool = False
    starts: int | None = None
    ends: int | None = None
    answer_by: int | None = None
    proposed: int | None = None
    answer: tuple[str, int] | None = None
    pauses: tuple[tuple[int, int | None], ...] = ()
    ended: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRole:
    """A role that a tenant makes for itself: (application, type, resource, privileges) each."""

    tenant: str
    key: str
    name: str
    description: str
    day: int
    permissions: tuple[tuple[str, str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """A role given to a user, a group or a service there; without an ``app`` it is the tenant's own."""

    tenant: str
    app: str
    role: str
    day: int
    user: str = ""
    group: str = ""
    service: str = ""
    share: str = ""  # the access contract by which the role is held
    until: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is seeded."""

    companies: tuple[Company, ...] = field(default=())
    apps: tuple[App, ...] = field(default=())
    partners: tuple[tuple[str, str, int], ...] = field(default=())
    shares: tuple[Share, ...] = field(default=())
    holdings: tuple[Holding, ...] = field(default=())
