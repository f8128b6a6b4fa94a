"""Whom and what one can ask about in the access explorer, found by what people type."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.db.models.functions import Concat

from applications.models import Application, ContractTerm, Resource
from applications.models.applications import PORTAL_ID
from applications.opened import open_to
from iam_portal.spelled import Spelled
from tenants.models import Group, Tenant, User

KINDS = ("user", "group", "application")
Fits = Callable[[str], Q]
OFFERED = 100  # of each datalist
MOST = 12  # of those that fit, shown to choose from


class Somebody(NamedTuple):
    """A person, a group or a service. ``value`` names exactly this one, as ``user:<id>``."""

    kind: str
    id: str
    name: str
    note: str

    @property
    def value(self) -> str:
        return f"{self.kind}:{self.id}"


def applications(tenant: Tenant, wanted: str = "") -> QuerySet[Application]:
    """What the tenant owns or owned, has or had by a contract, and the portal itself."""
    rows = _applications(tenant.pk)
    if wanted:
        rows = rows.filter(Q(display_name__icontains=wanted) | Q(pk__icontains=wanted))
    return rows.order_by("display_name", "pk")


def application(tenant: Tenant, application_id: str) -> Application | None:
    """The one of that id among them."""
    return next(iter(_ONE.instances(Application, tenant=tenant.pk, application=application_id)), None)


def _applications(tenant: UUID) -> QuerySet[Application]:
    received = Q(pk__in=_RECEIVED(tenant=tenant))
    return Application.objects.filter(Q(owner=tenant) | Q(pk=PORTAL_ID) | received)


def offered(tenant: Tenant) -> list[tuple[str, str]]:
    """What a field for an application offers: id and name."""
    return list(applications(tenant).values_list("pk", "display_name")[:OFFERED])


def offered_of(resources: QuerySet[Resource]) -> list[tuple[str, str]]:
    """The same for a field for a resource."""
    rows = resources.values_list("type", "key", "name")[:OFFERED]
    return [(f"{kind}/{key}", name) for kind, key, name in rows]


def somebody(
    tenant: Tenant, text: str, *, kinds: Collection[str] = KINDS, near: bool = True
) -> list[Somebody]:
    """Who fits, of these kinds; at most one more than :data:`MOST`. An exact name leaves the others out.

    ``near``: whether a part of a name is enough. It is not after a kind, as in ``user:anna``.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS:
        kinds, text, near = {kind}.intersection(kinds), rest, False
    found = _found(tenant, kinds, text, near=near)
    exact = [hit for is_exact, hit in found if is_exact]
    return (exact or [hit for _, hit in found])[: MOST + 1]


def exactly(tenant: Tenant, text: str) -> Somebody | None:
    """The person or group of ``user:<id>`` or ``group:<id>``."""
    kind, _colon, rest = text.partition(":")
    pk = _id_of(rest)
    if kind not in ("user", "group") or pk is None:
        return None
    columns = ("pk", _NOTE[kind], *_NAMES[kind])
    row = _rows(tenant.pk, kind).filter(pk=pk).values_list(*columns).first()
    return None if row is None else Somebody(kind, str(pk), _called(*row[2:]), row[1])


def called(tenant: Tenant, text: str) -> list[Application]:
    """The applications of this id or name; of two that share a name, both."""
    return list(applications(tenant).filter(Q(pk=text) | Q(display_name__iexact=text))[:2])


def resources(tenant: Tenant, application_id: str, at: datetime) -> QuerySet[Resource]:
    """Those of the application that the tenant can see: static ones and its own; none once it is over."""
    if application_id != PORTAL_ID and not open_to(tenant, at=at, application_id=application_id).exists():
        return Resource.objects.none()
    rows = Resource.objects.at(at).filter(application=application_id)
    return rows.filter(Q(owner_tenant=None) | Q(owner_tenant=tenant)).order_by("type", "key")


def resource(among: QuerySet[Resource], text: str) -> tuple[str, str]:
    """Type and id of what is written with a slash between. A type may have slashes itself."""
    whole = Concat("type", Value("/"), "key")
    found = among.annotate(whole=whole).filter(whole=text).first()
    if found is not None:
        return found.type, found.key
    kind, _slash, key = text.partition("/")
    return kind, key


def _found(tenant: Tenant, kinds: Iterable[str], text: str, *, near: bool) -> list[tuple[bool, Somebody]]:
    """Of each kind the first, and whether the name is the very one: these before the others."""
    hits: list[tuple[bool, Somebody]] = []
    for kind in kinds:
        values: dict[str, Any] = {"tenant": tenant.pk, "text": text}
        if kind != "application" and (pk := _id_of(text)) is not None:
            values["pk"] = pk
        rows = _asking(kind, near=near, by_id="pk" in values).rows(**values)
        hits += [(exact, Somebody(kind, str(pk), _called(*names), note)) for pk, exact, note, *names in rows]
    return hits


@cache
def _asking(kind: str, *, near: bool, by_id: bool) -> Spelled:
    """Each a statement of its own: of any text the framework writes the same."""

    def write(*, tenant: UUID, text: str, pk: UUID | None = None) -> QuerySet[Any, Any]:
        exact = _EXACT[kind](text) | Q(pk=pk) if by_id else _EXACT[kind](text)
        rows = _rows(tenant, kind).filter(exact | _NEAR[kind](text) if near else exact)
        is_exact = Case(When(exact, then=True), default=False, output_field=BooleanField())
        rows = rows.annotate(is_exact=is_exact).order_by("-is_exact", *rows.query.order_by)
        return rows.values_list("pk", "is_exact", _NOTE[kind], *_NAMES[kind])[: MOST + 1]

    return Spelled(write, tenant=UUID, text=str, **({"pk": UUID} if by_id else {}))


def _rows(tenant: UUID, kind: str) -> QuerySet[Any]:
    """All of a kind here, in their order."""
    if kind == "user":
        return User.objects.filter(tenant=tenant).order_by("display_name", "pk")
    if kind == "group":
        return Group.objects.filter(tenant=tenant).order_by("name", "pk")
    return _applications(tenant).exclude(pk=PORTAL_ID).order_by("display_name", "pk")


def _called(*names: str) -> str:
    """By the first that there is."""
    return next(filter(None, names), "")


def _received(*, tenant: UUID) -> QuerySet[Any, Any]:
    """As a list of ids: joined, the contracts of everybody would be read."""
    terms = ContractTerm.objects.filter(contract__consumer=tenant, contract__state="accepted")
    return terms.order_by().values("role__application")


def _one(*, tenant: UUID, application: str) -> QuerySet[Any, Any]:
    return _applications(tenant).filter(pk=application)


_RECEIVED = Spelled(_received, tenant=UUID)
_ONE = Spelled(_one, tenant=UUID, application=str)


def _id_of(text: str) -> UUID | None:
    """No name is a UUID by chance."""
    try:
        return UUID(text)
    except ValueError:
        return None


_NOTE = {"user": "email", "group": "description", "application": "pk"}
_NAMES = {"user": ("display_name", "username"), "group": ("name",), "application": ("display_name", "name")}
_EXACT: dict[str, Fits] = {
    "user": lambda text: Q(username__iexact=text) | Q(email__iexact=text) | Q(display_name__iexact=text),
    "group": lambda text: Q(name__iexact=text),
    "application": lambda text: Q(pk=text) | Q(display_name__iexact=text),
}
# No part of an address: who may read roles need not know those of people.
_NEAR: dict[str, Fits] = {
    "user": lambda text: Q(username__icontains=text) | Q(display_name__icontains=text),
    "group": lambda text: Q(name__icontains=text),
    "application": lambda text: Q(pk__icontains=text) | Q(display_name__icontains=text),
}
