"""Partnerships: invite, redeem, confirm, decline, revoke, end, auto-accept."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Permission, require
from tenants.actions import partners, partnerships
from tenants.api.impact import done, foreseen
from tenants.creating import creates
from tenants.impact import Act
from tenants.models import Partnership, Tenant
from tenants.models.lookups import among
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, uuid_of, with_revision
from tenants.schema import PAGE, query
from tenants.serializers.impact import ImpactOut
from tenants.serializers.partnerships import (
    AutoAcceptIn,
    InvitationIn,
    InvitationMade,
    InvitationShown,
    PartnershipOut,
    PartnershipPage,
    RedeemIn,
)


class PartnershipAPI(TenantAPI):
    """What the doors share."""

    def shape(self, row: Partnership) -> dict[str, Any]:
        """The wire form, from this tenant's side."""
        state = "expired" if row.state == "invited" and row.expires_at <= self.at else row.state
        tenant_id = self.kwargs["tenant_id"]
        mine = [auto.contract_type for auto in row.auto_accepts.all() if auto.tenant_id == tenant_id]
        return {
            "partnershipId": str(row.id),
            "state": state,
            "inviter": _side(row.inviter),
            "invitee": _side(row.invitee) if row.invitee else None,
            "invitedAt": rfc3339(row.invited_at),
            "expiresAt": rfc3339(row.expires_at),
            "confirmedAt": rfc3339(row.confirmed_at),
            "endedAt": rfc3339(row.ended_at),
            "autoAccept": sorted(mine),
            "revision": f"r-{row.revision}",
        }

    def one(self, partnership_id: UUID) -> Partnership:
        """A partnership of this tenant, or NotFound."""
        rows = partnerships.of(self.tenant).select_related("inviter", "invitee")
        found = rows.prefetch_related("auto_accepts").filter(id=partnership_id).first()
        if found is None:
            raise NotFound
        return found

    def ending(self, row: Partnership) -> Act:
        """Its end, for the impact."""
        return Act(name="end", tenant=self.tenant, subject=row, at=self.at)

    def answer(self, partnership_id: UUID) -> Response:
        """The partnership as it is now."""
        row = self.one(partnership_id)
        return with_revision(self.shape(row), row.revision)


class Partnerships(PartnershipAPI):
    """All partnerships of the tenant, in the order of their ids."""

    permissions = {"GET": "OrganizationRelations:read", "POST": "OrganizationRelations:add"}

    @extend_schema(parameters=PAGE, responses=PartnershipPage, operation_id="partnerships_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Of every state."""
        limit = page_size(request) or 50
        cursor = cursor_of(request)
        beyond = Q(id__gt=uuid_of(cursor[0], "cursor")) if cursor else Q()
        sides = (side.filter(beyond).order_by("id") for side in partnerships.sides_of(self.tenant))
        wanted = among("pk", *(side[: limit + 1] for side in sides))
        rows = Partnership.objects.filter(wanted).select_related("inviter", "invitee")
        page = list(rows.prefetch_related("auto_accepts").order_by("id")[: limit + 1])
        following = next_page(request, [str(page[limit - 1].id)]) if len(page) > limit else None
        return Response({"items": [self.shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(request=InvitationIn, responses={201: InvitationMade})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Invite. The value of the single-use link stands in this reply only."""
        body = self.read(InvitationIn)
        row, token = partnerships.invite(
            inviter=self.tenant,
            by=self.actor,
            at=self.at,
            expected=body.get("expectedSlug"),
            note=body["note"],
        )
        link = settings.PORTAL_BASE_URL + reverse("entry:invitation-take", kwargs={"code": token})
        reply = {**self.shape(self.one(row.id)), "token": token, "link": link}
        return Response(reply, status=201, headers={"Cache-Control": "no-store"})


class Preview(PartnershipAPI):
    """An invitation, before it is taken."""

    permissions = {"POST": "OrganizationRelations:add"}

    @extend_schema(request=RedeemIn, responses={200: InvitationShown})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Who invites, until when, and what they wrote. Changes nothing.

        404 alike for a link that is unknown, used, expired, revoked or meant for another organization.
        """
        row = partnerships.preview(token=self.read(RedeemIn)["token"], at=self.at, tenant=self.tenant)
        shown = {
            "inviter": _side(row.inviter),
            "invitedBy": row.invited_by,
            "invitedAt": rfc3339(row.invited_at),
            "expiresAt": rfc3339(row.expires_at),
            "note": row.note,
        }
        return Response(shown, headers={"Cache-Control": "no-store"})


class Redeem(PartnershipAPI):
    """The other side takes an invitation."""

    permissions = {"POST": "OrganizationRelations:add"}

    @extend_schema(request=RedeemIn, responses=PartnershipOut)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Uses the link up for this tenant."""
        token = self.read(RedeemIn)["token"]
        row = partnerships.redeem(token=token, tenant=self.tenant, by=self.actor, at=self.at)
        return self.answer(row.id)


class OnePartnership(PartnershipAPI):
    """One partnership."""

    permissions = {"GET": "OrganizationRelations:read"}

    @extend_schema(responses=PartnershipOut, operation_id="partnerships_read")
    def get(self, request: Request, partnership_id: UUID, **kwargs: Any) -> Response:
        """As this tenant sees it."""
        return self.answer(partnership_id)


class PartnershipAct(PartnershipAPI):
    """confirm, decline, revoke, end."""

    permissions = {"POST": "OrganizationRelations:modify|OrganizationRelations:delete"}
    recent = frozenset({"POST"})
    recent_acts = frozenset({"confirm", "end"})
    acts: ClassVar[dict[str, Callable[..., Partnership]]] = {
        "confirm": partnerships.confirm,
        "decline": partnerships.decline,
        "revoke": partnerships.revoke,
        "end": partnerships.end,
    }

    @extend_schema(request=None, responses=PartnershipOut, operation_id="partnerships_act")
    def post(self, request: Request, partnership_id: UUID, act: str, **kwargs: Any) -> Response:
        """Ending it ends its contracts in the same transaction.

        ``end`` needs the revision of its impact in ``If-Match`` (428 with the impact otherwise).
        """
        wanted = Permission.parse("OrganizationRelations:" + ("delete" if act == "end" else "modify"))
        require(actor=self.actor, tenant_id=self.kwargs["tenant_id"], permission=wanted, at=self.at)

        def do() -> Partnership:
            return self.acts[act](
                tenant=self.tenant,
                partnership_id=partnership_id,
                by=self.actor,
                at=self.at,
                revision=self.revision(),
            )

        if act == "end":
            done(self, self.ending(self.one(partnership_id)), do, required=True)
        else:
            do()
        return self.answer(partnership_id)


class PartnershipImpact(PartnershipAPI):
    """Ending it."""

    permissions = {"GET": "OrganizationRelations:delete"}

    @extend_schema(parameters=[query("action", "The act.", enum=["end"], required=True)], responses=ImpactOut)
    def get(self, request: Request, partnership_id: UUID, **kwargs: Any) -> Response:
        """The contracts that fall, and who loses what with them."""
        row = self.one(partnership_id)
        if request.query_params.get("action") != "end":
            raise Invalid("action is end.")
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "partnership_id": row.id,
            "by": self.actor,
            "at": self.at,
        }
        return foreseen(self.ending(row), lambda: partnerships.end(**given))


class AutoAccept(PartnershipAPI):
    """What this side accepts from the partner without looking."""

    permissions = {"PUT": "OrganizationRelations:modify"}
    recent = frozenset({"PUT"})

    @extend_schema(request=AutoAcceptIn, responses=PartnershipOut)
    def put(self, request: Request, partnership_id: UUID, **kwargs: Any) -> Response:
        """Exactly these contract types; never amendments. ``If-Match`` takes the partnership's revision.

        To switch one on takes who may accept such a contract himself.
        """
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "partnership_id": partnership_id,
            "contract_types": self.read(AutoAcceptIn)["types"],
        }
        for text in partners.needed_to_accept(**given):
            permission = Permission.parse(text)
            require(actor=self.actor, tenant_id=self.kwargs["tenant_id"], permission=permission, at=self.at)
        partners.accept_automatically(**given, by=self.actor, at=self.at, revision=self.revision())
        return self.answer(partnership_id)


def _side(tenant: Tenant) -> dict[str, str]:
    return {"tenantId": str(tenant.id), "name": tenant.name}
