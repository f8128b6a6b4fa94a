"""Who is in a group, and what groups somebody is in."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from tenants.actions import memberships
from tenants.models import Group, Membership, Spanned
from tenants.models.lookups import one_of
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, parse_moment, switch
from tenants.schema import AT, PAGE, query
from tenants.serializers.people import MemberOut, MemberPage, MembershipIn, MembershipPage

PLANNED = query("planned", "Also those that begin later than the moment asked about.", bool)
FROM = query("from", "Only the one that begins then, as the list has it.", OpenApiTypes.DATETIME)


class MembershipAPI(TenantAPI):
    """What the lists share."""

    def rows(self) -> Spanned:
        """The tenant's memberships at the moment asked about, and those planned then if they are wanted."""
        at, rows = self.moment(), Membership.objects.filter(tenant_id=self.kwargs["tenant_id"])
        return rows.not_over(at) if switch(self.request, "planned") else rows.at(at)

    def page(self, rows: Spanned, shape: Callable[[Any], dict[str, Any]]) -> Response:
        """In the order of ``sorted_by``, and of one's spans."""
        limit = page_size(self.request) or 50
        if cursor := cursor_of(self.request):
            if len(cursor) != 2:
                raise Invalid("The cursor is not one that was given out.")
            later = Q(sorted_by=cursor[0], during__startswith__gt=parse_moment(cursor[1], "cursor"))
            rows = rows.filter(Q(sorted_by__gt=cursor[0]) | later)
        page = list(rows.order_by("sorted_by", "during")[: limit + 1])
        following = None
        if len(page) > limit:
            last = page[limit - 1]
            following = next_page(self.request, [last.sorted_by, last.during.lower.isoformat()])
        return Response({"items": [shape(row) for row in page[:limit]], "next": following})


class Members(MembershipAPI):
    """The group's own, without those of the groups below."""

    permissions = {"GET": "Groups:read"}

    @extend_schema(parameters=[*PAGE, AT, PLANNED], responses=MemberPage, operation_id="members_list")
    def get(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """By user name."""
        at, tenant_id = self.moment(), self.kwargs["tenant_id"]
        if not Group.objects.at(at).filter(tenant_id=tenant_id, id=group_id).exists():
            raise NotFound
        rows = self.rows().filter(group_id=group_id).select_related("user")
        return self.page(rows.annotate(sorted_by=Lower("user__username")), _member)


class Member(TenantAPI):
    """Somebody in a group."""

    permissions = {"PUT": "Groups:modify", "DELETE": "Groups:modify"}
    recent = frozenset({"PUT", "DELETE"})
    takes_row = False

    @extend_schema(
        request=MembershipIn, responses={200: MemberOut, 201: MemberOut}, operation_id="members_add"
    )
    def put(self, request: Request, group_id: UUID, user_id: UUID, **kwargs: Any) -> Response:
        """In it from now on, or for the span; 200 when he is already.

        A membership that runs, or begins at ``from``, gets the end that is named. None begins before now.
        """
        self.revision()  # there is none to name
        body, given = self.read(MembershipIn), self._of(group_id, user_id)
        known = self._known(group_id, user_id, body.get("from")) if body else None
        if known is not None:
            row = memberships.set_end(**given, starts_at=body.get("from"), ends_at=body.get("until"))
            return Response(_member(row))
        try:
            row = memberships.add(**given, starts_at=body.get("from"), ends_at=body.get("until"))
        except memberships.AlreadyMember:
            if body:
                raise
            return Response(_member(self._living(group_id, user_id).order_by("during")[0]))
        return Response(_member(row), status=201)

    @extend_schema(parameters=[FROM], responses={204: None}, operation_id="members_remove")
    def delete(self, request: Request, group_id: UUID, user_id: UUID, **kwargs: Any) -> Response:
        """From now on he holds nothing through the group; what was planned is taken back."""
        self.revision()
        only = self.moment("from") if "from" in request.query_params else None
        memberships.remove(**self._of(group_id, user_id), starts_at=only)
        return Response(status=204)

    def _of(self, group_id: UUID, user_id: UUID) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "group_id": group_id,
            "user_id": user_id,
            "by": self.actor,
            "at": self.at,
        }

    def _known(self, group_id: UUID, user_id: UUID, start: datetime | None) -> Membership | None:
        rows = self._living(group_id, user_id)
        found: Membership | None = rows.filter(during__startswith=start).first() if start else None
        return found or (rows.at(self.at).first() if start is None else None)

    def _living(self, group_id: UUID, user_id: UUID) -> Spanned:
        """Those that are not over, also where one began while this request waited for it."""
        rows = Membership.objects.not_over(self.at).filter(tenant_id=self.kwargs["tenant_id"])
        return rows.filter(group_id=group_id, user_id=user_id).select_related("user")


class GroupsOfUser(MembershipAPI):
    """The groups that somebody is in himself, without those above them."""

    permissions = {"GET": "Groups:read"}

    @extend_schema(parameters=[*PAGE, AT, PLANNED], responses=MembershipPage, operation_id="users_groups")
    def get(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """By name."""
        if not self.tenant.users.filter(id=user_id).exists():
            raise NotFound
        rows = self.rows().filter(one_of("user", [user_id])).select_related("group")
        return self.page(rows.annotate(sorted_by=Lower("group__name")), _group)


def _group(row: Membership) -> dict[str, Any]:
    return {"groupId": str(row.group_id), "name": row.group.name, **_span(row)}


def _member(row: Membership) -> dict[str, Any]:
    return {
        "userId": str(row.user_id),
        "username": row.user.username,
        "displayName": row.user.display_name,
        **_span(row),
    }


def _span(row: Membership) -> dict[str, str | None]:
    return {"from": rfc3339(row.during.lower), "until": rfc3339(row.during.upper)}
