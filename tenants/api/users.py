"""People by REST: never technical accounts, those are no users."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Invalid, NotFound
from tenants.actions import deletion, factors, users
from tenants.api.impact import done, foreseen
from tenants.api.objections import of_body
from tenants.creating import creates
from tenants.impact import Act
from tenants.models import User, UserActivity
from tenants.rest import NothingIn, TenantAPI, cursor_of, next_page, page_size, searched, with_revision
from tenants.schema import PAGE, SEARCH, query
from tenants.serializers.impact import PeopleImpactOut
from tenants.serializers.people import UserIn, UserOut, UserPage, UserPatch

ACTIVE = query("active", "Only those who may sign in at the moment, or only the others.", bool)
TAKING: dict[str, Callable[..., object]] = {"deactivate": users.deactivate, "delete": deletion.delete}
_FIELDS = {
    "display_name": "displayName",
    "username": "username",
    "email": "email",
    "user_username_once": "username",
    "user_username_grammar": "username",
    "user_email_once": "email",
}


class UserAPI(TenantAPI):
    """What the doors share."""

    def rows(self) -> QuerySet[Any]:
        """The people of this tenant, with ``is_present``: whether somebody is active at the moment."""
        present = UserActivity.objects.at(self.at).filter(user=OuterRef("pk"))
        return self.tenant.users.annotate(is_present=Exists(present))

    def answer(self, user_id: UUID, status: int = 200) -> Response:
        """One of them as he is now, or NotFound."""
        found = self.rows().filter(id=user_id).first()
        if found is None:
            raise NotFound
        return with_revision(_shape(found), found.revision, status)

    def of(self, user_id: UUID) -> dict[str, Any]:
        """What every act on him takes."""
        return {"tenant": self.tenant, "user_id": user_id, "by": self.actor, "at": self.at}

    def weighed(self, user_id: UUID, name: str) -> tuple[Act, Callable[[], object]]:
        """An act that takes something from him, for its impact, and the act itself."""
        if (found := self.tenant.users.filter(id=user_id).first()) is None:
            raise NotFound
        act = Act(name=name, tenant=self.tenant, subject=found, at=self.at, by=self.actor)
        return act, lambda: TAKING[name](**self.of(user_id), revision=self.revision())


class Users(UserAPI):
    """The people of the tenant."""

    permissions = {"GET": "Users:read", "POST": "Users:add"}
    recent = frozenset({"POST"})

    @extend_schema(parameters=[*PAGE, SEARCH, ACTIVE], responses=UserPage, operation_id="users_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """By user name. ``search`` looks into names and e-mail addresses."""
        limit, rows = page_size(request) or 50, self.rows().annotate(sorted_by=Lower("username"))
        if text := searched(request):
            name = Q(display_name__icontains=text) | Q(username__icontains=text)
            rows = rows.filter(name | Q(email__icontains=text))
        if (active := request.query_params.get("active")) is not None:
            if active not in ("true", "false"):
                raise Invalid("active is true or false.")
            rows = rows.filter(is_present=active == "true")
        if cursor := cursor_of(request):
            rows = rows.filter(sorted_by__gt=cursor[0])
        page = list(rows.order_by("sorted_by")[: limit + 1])
        following = next_page(request, [page[limit - 1].sorted_by]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(request=UserIn, responses={201: UserOut}, operation_id="users_invite")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Invite: the link goes to the person's own mailbox, and stands in no reply."""
        body = self.read(UserIn)
        with of_body(User, _FIELDS):
            made = users.invite(
                tenant=self.tenant,
                username=body["username"],
                email=body["email"],
                display_name=body["displayName"],
                by=self.actor,
                at=self.at,
            )
        return self.answer(made.id, 201)


class OneUser(UserAPI):
    """One person."""

    permissions = {"GET": "Users:read", "PATCH": "Users:modify", "DELETE": "Users:delete"}
    recent = frozenset({"PATCH", "DELETE"})

    @extend_schema(responses=UserOut, operation_id="users_read")
    def get(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """getUser. 404 for people of others, and for technical accounts."""
        return self.answer(user_id)

    @extend_schema(request=UserPatch, responses=UserOut, operation_id="users_change")
    def patch(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """Takes the revision in ``If-Match``. Another mailbox voids the links that went to the former one."""
        body = self.read(UserPatch)
        with of_body(User, _FIELDS):
            users.change(
                **self.of(user_id),
                username=body.get("username"),
                email=body.get("email"),
                display_name=body.get("displayName"),
                revision=self.revision(),
            )
        return self.answer(user_id)

    @extend_schema(responses={204: None}, operation_id="users_delete")
    def delete(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """For good: everything of his ends at once, and he is never found again.

        Needs the revision of its impact in ``If-Match`` (428 with the impact otherwise). Only who may give
        all that he holds may take it; nobody deletes himself.
        """
        done(self, *self.weighed(user_id, "delete"), required=True)
        return Response(status=204)


class UserImpact(UserAPI):
    """What an act takes from him, before it does."""

    permissions = {"GET": "Users:modify|Users:delete"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=list(TAKING), required=True)],
        responses=PeopleImpactOut,
        operation_id="users_impact",
    )
    def get(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """Which roles he loses, and what has nobody then. Its revision goes into ``If-Match`` of the act."""
        name = request.query_params.get("action", "")
        weighed = self.weighed(user_id, name)
        if name not in TAKING:
            raise Invalid(f"action is one of {', '.join(TAKING)}.")
        return foreseen(*weighed, answers=self.answers)


class UserAct(UserAPI):
    """deactivate, reactivate."""

    permissions = {"POST": "Users:modify"}
    recent = frozenset({"POST"})
    recent_acts = frozenset({"reactivate"})
    acts: ClassVar[dict[str, Callable[..., User]]] = {
        "deactivate": users.deactivate,
        "reactivate": users.reactivate,
    }

    @extend_schema(request=None, responses=UserOut, operation_id="users_act")
    def post(self, request: Request, user_id: UUID, act: str, **kwargs: Any) -> Response:
        """Takes the revision in ``If-Match``; deactivating that of its impact, too.

        Deactivating ends his sessions and sign-ins at once; the last administrator stays.
        """
        self.read(NothingIn)
        if act in TAKING:
            done(self, *self.weighed(user_id, act), required=False)
        else:
            self.acts[act](**self.of(user_id), revision=self.revision())
        return self.answer(user_id)


class ResendInvitation(UserAPI):
    """A new link for somebody who never set a password."""

    permissions = {"POST": "Users:modify"}
    takes_row = False

    @extend_schema(request=None, responses={204: None}, operation_id="users_resend_invitation")
    def post(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """By mail. Older links are void."""
        self.read(NothingIn)
        self.revision()  # there is none to name
        users.invite_again(**self.of(user_id))
        return Response(status=204)


class ResetPassword(UserAPI):
    """A link that sets another password."""

    permissions = {"POST": "Users:modify"}
    takes_row = False

    @extend_schema(request=None, responses={204: None}, operation_id="users_reset_password")
    def post(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """By mail. The present password works until the link is used."""
        self.read(NothingIn)
        self.revision()  # there is none to name
        users.reset(**self.of(user_id))
        return Response(status=204)


class ResetFactors(UserAPI):
    """Second factors of somebody who has lost them."""

    permissions = {"POST": "Users:modify"}
    recent = frozenset({"POST"})
    takes_row = False

    @extend_schema(request=None, responses={204: None}, operation_id="users_reset_factors")
    def post(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """All of them, with the recovery codes. He is signed out everywhere, and told so by mail.

        Who could not send him a new password cannot do this either.
        """
        self.read(NothingIn)
        self.revision()  # there is none to name
        factors.reset(**self.of(user_id))
        return Response(status=204)


def _shape(row: Any) -> dict[str, Any]:
    return {
        "userId": str(row.id),
        "username": row.username,
        "displayName": row.display_name,
        "email": row.email,
        "active": row.is_present,
        "invited": row.is_present and not row.has_usable_password(),
        "revision": f"r-{row.revision}",
    }
