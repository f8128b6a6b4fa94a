"""Who is in a group, and what groups somebody is in."""

from typing import Any
from uuid import UUID

from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from iam_portal.errors import NotFound
from tenants.actions import memberships
from tenants.models import Group, Membership, Spanned
from tenants.rest import TenantAPI, cursor_of, next_page, page_size
from tenants.schema import AT, PAGE
from tenants.serializers.people import MemberOut, MemberPage, MembershipPage


class Members(TenantAPI):
    """The group's own, without those of the groups below."""

    permissions = {"GET": "Groups:read"}

    @extend_schema(parameters=[*PAGE, AT], responses=MemberPage, operation_id="members_list")
    def get(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """By user name."""
        at, tenant_id = self.moment(), self.kwargs["tenant_id"]
        if not Group.objects.at(at).filter(tenant_id=tenant_id, id=group_id).exists():
            raise NotFound
        limit, rows = page_size(request) or 50, Membership.objects.at(at).filter(group_id=group_id)
        rows = rows.select_related("user").annotate(sorted_by=Lower("user__username"))
        if cursor := cursor_of(request):
            rows = rows.filter(sorted_by__gt=cursor[0])
        page = list(rows.order_by("sorted_by")[: limit + 1])
        following = next_page(request, [page[limit - 1].sorted_by]) if len(page) > limit else None
        return Response({"items": [_member(row) for row in page[:limit]], "next": following})


class Member(TenantAPI):
    """Somebody in a group."""

    permissions = {"PUT": "Groups:modify", "DELETE": "Groups:modify"}
    takes_row = False

    @extend_schema(request=None, responses={200: MemberOut, 201: MemberOut}, operation_id="members_add")
    def put(self, request: Request, group_id: UUID, user_id: UUID, **kwargs: Any) -> Response:
        """From now on; 200 when he is in it already."""
        self.revision()  # there is none to name
        try:
            memberships.add(**self._of(group_id, user_id))
        except memberships.AlreadyMember:
            return Response(_member(self._rows(group_id, user_id).get()))
        return Response(_member(self._rows(group_id, user_id).get()), status=201)

    @extend_schema(responses={204: None}, operation_id="members_remove")
    def delete(self, request: Request, group_id: UUID, user_id: UUID, **kwargs: Any) -> Response:
        """From now on he holds nothing through the group."""
        self.revision()
        memberships.remove(**self._of(group_id, user_id))
        return Response(status=204)

    def _of(self, group_id: UUID, user_id: UUID) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "group_id": group_id,
            "user_id": user_id,
            "by": self.actor,
            "at": self.at,
        }

    def _rows(self, group_id: UUID, user_id: UUID) -> Spanned:
        """The one that is not over, also when it began while this request waited for it."""
        rows = Membership.objects.not_over(self.at).filter(group_id=group_id, user_id=user_id)
        return rows.select_related("user")


class GroupsOfUser(TenantAPI):
    """The groups that somebody is in himself, without those above them."""

    permissions = {"GET": "Groups:read"}

    @extend_schema(parameters=[*PAGE, AT], responses=MembershipPage, operation_id="users_groups")
    def get(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """By name."""
        if not self.tenant.users.filter(id=user_id).exists():
            raise NotFound
        limit, rows = page_size(request) or 50, Membership.objects.at(self.moment()).filter(user_id=user_id)
        rows = rows.select_related("group").annotate(sorted_by=Lower("group__name"))
        if cursor := cursor_of(request):
            rows = rows.filter(sorted_by__gt=cursor[0])
        page = list(rows.order_by("sorted_by")[: limit + 1])
        following = next_page(request, [page[limit - 1].sorted_by]) if len(page) > limit else None
        items = [{"groupId": str(row.group_id), "name": row.group.name, **_span(row)} for row in page[:limit]]
        return Response({"items": items, "next": following})


def _member(row: Membership) -> dict[str, Any]:
    return {
        "userId": str(row.user_id),
        "username": row.user.username,
        "displayName": row.user.display_name,
        **_span(row),
    }


def _span(row: Membership) -> dict[str, str | None]:
    return {"from": rfc3339(row.during.lower), "until": rfc3339(row.during.upper)}
