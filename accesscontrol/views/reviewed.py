"""One page of a review in the explorer: what its address asks for, in the order of names."""

from datetime import datetime
from functools import partial

from accesscontrol.decide import HeldRole, Permission
from accesscontrol.review import SERVICE, USER, Asked, Order, Part, Place, everything, part
from applications.models import Application
from tenants.http import paging
from tenants.views.console import ConsolePage

DIFFERENCES = 100


def page(
    shown: ConsolePage, application: Application, at: datetime, other: datetime | None, *, resource: str
) -> tuple[paging.Page, Part]:
    """Its lines, and what is said of all of them. NotFound as :func:`accesscontrol.review.part`."""
    given = shown.request.GET
    role = given.get("role", "")
    asked = Asked(
        tenant=shown.tenant,
        application_id=application.pk,
        at=at,
        other=other,
        kind=given["kind"] if given.get("kind") in (USER, SERVICE) else "",
        text=paging.searched(shown.request),
        fits=partial(_fits, role, resource.casefold()) if role or resource else everything,
        order=Order.NAME,
        most=counted(shown, other),
    )
    parts: list[Part] = []

    def find(after: Place | None, backwards: bool, size: int) -> Part:
        parts.append(part(asked, after=after, backwards=backwards, limit=size))
        return parts[-1]

    return paging.page_of_found(find, request=shown.request), parts[-1]


def counted(shown: ConsolePage, other: datetime | None) -> int:
    """How many lines are counted before the page says that they are more.

    Of two moments each costs more; of those with a text in their names all are looked at as it is.
    """
    return paging.COUNTED if other is None or paging.searched(shown.request) else DIFFERENCES


def _fits(key: str, resource: str, role: HeldRole, permissions: frozenset[Permission]) -> bool:
    """Whether it is the role that is filtered by, and names such a resource."""
    if key and key != role.key:
        return False
    return not resource or any(resource in f"{kind}/{name}".casefold() for kind, name, _one in permissions)
