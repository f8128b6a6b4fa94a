"""Groups by REST: a tree, told as a list in which each names its parent."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Invalid, NotFound
from tenants.actions import groups
from tenants.api.impact import done, foreseen
from tenants.api.objections import of_body
from tenants.creating import creates
from tenants.impact import Act
from tenants.models import Group, GroupPlacement, Membership
from tenants.models.lookups import of_outer
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, searched, uuid_of, with_revision
from tenants.schema import AT, PAGE, SEARCH, query
from tenants.serializers.impact import GroupImpactOut
from tenants.serializers.people import GroupIn, GroupOut, GroupPage, GroupPatch, PlaceIn

PARENT = query("parentId", "Only groups right below this one; `none`: only those at the top.")
TO = query("parentId", "Of a move: the group to hang it below; `none`: to the top.")
TAKING = ("delete", "move")
Weighed = tuple[Act, Callable[[], object]]
_FIELDS = {"name": "name", "description": "description", "group_name_once": "name"}


class GroupAPI(TenantAPI):
    """What the doors share."""

    def rows(self) -> QuerySet[Any]:
        """The groups of this tenant at the moment asked, with ``parent`` and the count of ``members``."""
        # With the tenant by name the planner knows how many are its own, and looks for those of each group.
        at, ours = self.moment(), {"tenant_id": self.kwargs["tenant_id"]}
        place = GroupPlacement.objects.at(at).filter(of_outer("group"), **ours).values("parent_id")
        inside = Membership.objects.at(at).filter(of_outer("group"), **ours).order_by().values("group")
        counted = inside.annotate(count=Count("pk")).values("count")
        rows = Group.objects.at(at).filter(**ours)
        return rows.annotate(parent=Subquery(place[:1]), members=Coalesce(Subquery(counted), 0))

    def answer(self, group_id: UUID, status: int = 200) -> Response:
        """One of them, or NotFound."""
        found = self.rows().filter(id=group_id).first()
        if found is None:
            raise NotFound
        return with_revision(_shape(found), found.revision, status)

    def of(self, group_id: UUID) -> dict[str, Any]:
        """What every act on it takes."""
        given = {"tenant": self.tenant, "group_id": group_id, "by": self.actor, "at": self.at}
        return {**given, "revision": self.revision()}

    def one(self, group_id: UUID) -> Group:
        """The living group, or NotFound."""
        rows = Group.objects.at(self.at).filter(tenant_id=self.kwargs["tenant_id"], id=group_id)
        found: Group | None = rows.first()
        if found is None:
            raise NotFound
        return found

    def weighed(self, group_id: UUID, name: str, parent_id: UUID | None = None) -> Weighed:
        """An act that takes something from those in it, for its impact, and the act itself."""
        asked = None if parent_id is None else str(parent_id)
        named: dict[str, Any] = {"tenant": self.tenant, "at": self.at, "by": self.actor}
        act = Act(name=name, subject=self.one(group_id), asked=asked, **named)
        if name == "delete":
            return act, lambda: groups.delete(**self.of(group_id))
        return act, lambda: groups.move(**self.of(group_id), parent_id=parent_id)


class Groups(GroupAPI):
    """All groups of the tenant."""

    permissions = {"GET": "Groups:read", "POST": "Groups:add"}

    @extend_schema(parameters=[*PAGE, AT, SEARCH, PARENT], responses=GroupPage, operation_id="groups_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """By name. Roles of a group flow to the groups below it."""
        limit, rows = page_size(request) or 50, self.rows().annotate(sorted_by=Lower("name"))
        if text := searched(request):
            rows = rows.filter(name__icontains=text)
        if (parent := request.query_params.get("parentId")) is not None:
            rows = rows.filter(parent=None if parent == "none" else uuid_of(parent, "parentId"))
        if cursor := cursor_of(request):
            rows = rows.filter(sorted_by__gt=cursor[0])
        page = list(rows.order_by("sorted_by")[: limit + 1])
        following = next_page(request, [page[limit - 1].sorted_by]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(request=GroupIn, responses={201: GroupOut}, operation_id="groups_create")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Without members. Below a parent, the actor must be able to give what stands above."""
        body = self.read(GroupIn)
        with of_body(Group, _FIELDS):
            made = groups.create(
                tenant=self.tenant,
                name=body["name"],
                description=body["description"],
                parent_id=body["parentId"],
                by=self.actor,
                at=self.at,
            )
        return self.answer(made.id, 201)


class OneGroup(GroupAPI):
    """One group."""

    permissions = {"GET": "Groups:read", "PATCH": "Groups:modify", "DELETE": "Groups:delete"}
    recent = frozenset({"DELETE"})

    @extend_schema(parameters=[AT], responses=GroupOut, operation_id="groups_read")
    def get(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """In its place."""
        return self.answer(group_id)

    @extend_schema(request=GroupPatch, responses=GroupOut, operation_id="groups_rename")
    def patch(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """Another name or description. Takes the revision in ``If-Match``."""
        body = self.read(GroupPatch)
        with of_body(Group, _FIELDS):
            groups.rename(**self.of(group_id), name=body.get("name"), description=body.get("description"))
        return self.answer(group_id)

    @extend_schema(responses={204: None}, operation_id="groups_delete")
    def delete(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """End it with its memberships, what was given to it and the mappers that lead into it.

        Refused while groups stand below it. Takes the revision in ``If-Match``. Where somebody loses
        something by it, or a mapper goes, that needs the revision of its impact (428 with the impact
        otherwise).
        """
        done(self, *self.weighed(group_id, "delete"), required=True, unless_nothing=True)
        return Response(status=204)


class GroupImpact(GroupAPI):
    """What an act takes from those in the group and below it, before it does."""

    permissions = {"GET": "Groups:modify|Groups:delete"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=list(TAKING), required=True), TO],
        responses=GroupImpactOut,
        operation_id="groups_impact",
    )
    def get(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """Who loses which roles, and what has nobody then. Its revision goes into ``If-Match`` of the act."""
        name, parent = request.query_params.get("action", ""), request.query_params.get("parentId")
        self.one(group_id)
        if name not in TAKING or (parent is None) != (name == "delete"):
            raise Invalid("action is delete, or move with parentId (none: to the top).")
        parent_id = None if parent in (None, "none") else uuid_of(str(parent), "parentId")
        return foreseen(*self.weighed(group_id, name, parent_id), answers=self.answers)


class MoveGroup(GroupAPI):
    """Another place."""

    permissions = {"POST": "Groups:modify"}
    recent = frozenset({"POST"})

    @extend_schema(request=PlaceIn, responses=GroupOut, operation_id="groups_move")
    def post(self, request: Request, group_id: UUID, **kwargs: Any) -> Response:
        """Roles from above follow the new place; a loop is refused.

        Takes the revision in ``If-Match``, or that of its impact.
        """
        parent_id = self.read(PlaceIn)["parentId"]
        done(self, *self.weighed(group_id, "move", parent_id), required=False)
        return self.answer(group_id)


def _shape(row: Any) -> dict[str, Any]:
    return {
        "groupId": str(row.id),
        "name": row.name,
        "description": row.description,
        "parentId": str(row.parent) if row.parent else None,
        "members": row.members,
        "revision": f"r-{row.revision}",
    }
