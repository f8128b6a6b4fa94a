"""People and groups by SCIM (RFC 7644 §3)."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.api.scim import _keeping as keeping
from accesscontrol.api.scim._door import ScimAPI
from accesscontrol.api.scim._listing import Asked, listed, listed_together, of_query, of_search
from accesscontrol.api.scim._rows import KINDS, PEOPLE, TEAMS, Kind
from iam_portal.gate import Permission, gate


class ListAPI(ScimAPI):
    """What is asked of all of a kind."""

    kind: ClassVar[Kind]

    def page(self, asked: Asked) -> Response:
        """Of the rows that are asked for."""
        return Response(listed(self.desk(), self.kind, asked), headers={"Cache-Control": "no-store"})


class Search(ScimAPI):
    """People and groups at once (§3.4.3)."""

    permissions = {"POST": "Users:read|Groups:read"}

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Of both kinds, as far as the caller may read each of them."""
        desk = self.desk()
        may = gate().answers(actor=desk.by, tenant_id=desk.tenant.pk, at=desk.at)
        kinds = [kind for kind in KINDS if may(Permission.parse(f"{kind.name}s:read"))]
        found = listed_together(desk, kinds, of_search(request.data))
        return Response(found, headers={"Cache-Control": "no-store"})


class Users(ListAPI):
    """All people of the tenant."""

    kind = PEOPLE
    permissions = {"GET": "Users:read", "POST": "Users:add"}

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Those for whom the filter holds."""
        return self.page(of_query(request.query_params))

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Somebody new; 409 where user name or mailbox are somebody's."""
        return self.answer(keeping.create_person(self.desk(), request.data), status=201)


class UserSearch(ListAPI):
    """The same list, for filters that shall stand in no address."""

    kind = PEOPLE
    permissions = {"POST": "Users:read"}

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Those for whom the filter holds."""
        return self.page(of_search(request.data))


class OneUser(ScimAPI):
    """One of them."""

    permissions = {
        "GET": "Users:read",
        "PUT": "Users:modify",
        "PATCH": "Users:modify",
        "DELETE": "Users:delete",
    }

    def get(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """As he is now."""
        return self.answer(keeping.person(self.desk(), row_id, self.chosen()))

    def put(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """As the body has him."""
        return self.answer(keeping.replace_person(self.desk(), row_id, request.data, self.expected()))

    def patch(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """Some of him."""
        return self.answer(keeping.patch_person(self.desk(), row_id, request.data, self.expected()))

    def delete(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """Deleted as by an administrator."""
        keeping.delete_person(self.desk(), row_id, self.expected())
        return Response(status=204)


class Groups(ListAPI):
    """All groups of the tenant."""

    kind = TEAMS
    permissions = {"GET": "Groups:read", "POST": "Groups:add"}

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Those for whom the filter holds."""
        return self.page(of_query(request.query_params))

    def post(self, request: Request, **kwargs: Any) -> Response:
        """A new one; 409 where there is one of the name."""
        return self.answer(keeping.create_team(self.desk(), request.data), status=201)


class GroupSearch(ListAPI):
    """The same list, for filters that shall stand in no address."""

    kind = TEAMS
    permissions = {"POST": "Groups:read"}

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Those for whom the filter holds."""
        return self.page(of_search(request.data))


class OneGroup(ScimAPI):
    """One of them."""

    permissions = {
        "GET": "Groups:read",
        "PUT": "Groups:modify",
        "PATCH": "Groups:modify",
        "DELETE": "Groups:delete",
    }

    def get(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """As it is now, with the people in it."""
        return self.answer(keeping.team(self.desk(), row_id, self.chosen()))

    def put(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """As the body has it."""
        return self.answer(keeping.replace_team(self.desk(), row_id, request.data, self.expected()))

    def patch(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """Another name, people in and out."""
        return self.answer(keeping.patch_team(self.desk(), row_id, request.data, self.expected()))

    def delete(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """It ends, with what was given to it."""
        keeping.delete_team(self.desk(), row_id, self.expected())
        return Response(status=204)
