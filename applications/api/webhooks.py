"""Webhooks of the tenant: subscriptions, what is done with them, their secrets and deliveries."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import shapes
from applications.actions import webhook_requests, webhook_secrets, webhooks
from applications.models import Webhook
from applications.serializers.webhooks import (
    DeliveryOut,
    DeliveryPage,
    RecoveredOut,
    RecoverIn,
    RotateIn,
    WebhookIn,
    WebhookMade,
    WebhookOut,
    WebhookPage,
    WebhookPatch,
    WebhookSecretMade,
)
from iam_portal.errors import Invalid, NotFound
from tenants.creating import creates
from tenants.rest import TenantAPI, cursor_of, is_number, next_page, page_size, with_revision
from tenants.schema import PAGE

NO_STORE = {"Cache-Control": "no-store"}


class WebhookAPI(TenantAPI):
    """A door to the tenant's subscriptions."""

    def one(self, webhook_id: UUID) -> Webhook:
        """A living subscription of the tenant, or NotFound."""
        row = self.tenant.webhooks.filter(id=webhook_id, ended_at=None).first()
        if row is None:
            raise NotFound
        return row

    def answer(self, webhook_id: UUID) -> Response:
        """The subscription as it is now, with its revision."""
        row = self.one(webhook_id)
        return with_revision(shapes.webhook(row, at=self.at), row.revision)

    def of(self, webhook_id: UUID) -> dict[str, Any]:
        """What every act on it takes."""
        return {"tenant": self.tenant, "webhook_id": webhook_id, "by": self.actor, "at": self.at}


class Webhooks(WebhookAPI):
    """The subscriptions of the tenant."""

    permissions = {"GET": "Webhooks:read", "POST": "Webhooks:add"}
    recent = frozenset({"POST"})

    @extend_schema(responses=WebhookPage, operation_id="webhooks_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """All that have not ended, oldest first: there are at most fifty."""
        rows = self.tenant.webhooks.filter(ended_at=None).prefetch_related("secrets")
        items = [shapes.webhook(row, at=self.at) for row in rows.order_by("created_at", "id")]
        return Response({"items": items, "next": None})

    @creates
    @extend_schema(request=WebhookIn, responses={201: WebhookMade})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Subscribe from now on. The secret stands in this reply only."""
        body = self.read(WebhookIn)
        wanted = webhooks.Wanted(body["url"], tuple(body["types"]), body["note"], body["applicationId"])
        row, value = webhooks.subscribe(tenant=self.tenant, wanted=wanted, by=self.actor, at=self.at)
        made = with_revision({**shapes.webhook(row, at=self.at), "secret": value}, row.revision, 201)
        made["Cache-Control"] = NO_STORE["Cache-Control"]
        return made


class OneWebhook(WebhookAPI):
    """One subscription."""

    permissions = {"GET": "Webhooks:read", "PATCH": "Webhooks:modify", "DELETE": "Webhooks:delete"}
    recent = frozenset({"PATCH", "DELETE"})

    @extend_schema(responses=WebhookOut, operation_id="webhooks_read")
    def get(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """With its state and its living secrets, never a value."""
        return self.answer(webhook_id)

    @extend_schema(request=WebhookPatch, responses=WebhookOut)
    def patch(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Change URL, types or note; what is left out stays."""
        body = self.read(WebhookPatch)
        if "types" in body:
            body["types"] = tuple(body["types"])
        webhooks.change(**self.of(webhook_id), revision=self.revision(), **body)
        return self.answer(webhook_id)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Send nothing any more."""
        webhooks.end(**self.of(webhook_id), revision=self.revision())
        return Response(status=204)


class WebhookAct(WebhookAPI):
    """pause, resume."""

    permissions = {"POST": "Webhooks:modify"}

    acts: ClassVar[dict[str, Callable[..., Webhook]]] = {"pause": webhooks.pause, "resume": webhooks.resume}
    act = ""  # set by the address

    @extend_schema(request=None, responses=WebhookOut)
    def post(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Done twice, it is done once. What happened meanwhile is sent after the resumption."""
        self.acts[self.act](**self.of(webhook_id), revision=self.revision())
        return self.answer(webhook_id)


class WebhookTest(WebhookAPI):
    """A test of a subscription."""

    permissions = {"POST": "Webhooks:execute"}

    @extend_schema(request=None, responses={202: DeliveryOut})
    def post(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Send ``iam.webhook.test.v1`` to this subscription only; the outcome is among its deliveries."""
        return Response(shapes.delivery(webhook_requests.send_test(**self.of(webhook_id))), status=202)


class WebhookSecrets(WebhookAPI):
    """The secrets of a subscription."""

    permissions = {"POST": "Webhooks:modify"}
    recent = frozenset({"POST"})

    @creates
    @extend_schema(request=RotateIn, responses={201: WebhookSecretMade})
    def post(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """A new secret beside the present one; requests carry a signature by each."""
        body = self.read(RotateIn)
        row, value = webhook_secrets.rotate(**self.of(webhook_id), old_ends_at=body["oldEndsAt"])
        return Response({**shapes.webhook_secret(row), "secret": value}, status=201, headers=NO_STORE)


class OneWebhookSecret(WebhookAPI):
    """One secret of a subscription."""

    permissions = {"DELETE": "Webhooks:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: UUID, secret_id: UUID, **kwargs: Any) -> Response:
        """Sign with it no more."""
        webhook_secrets.revoke(**self.of(webhook_id), secret_id=secret_id)
        return Response(status=204)


class Deliveries(WebhookAPI):
    """Attempts to deliver, kept for thirty days."""

    permissions = {"GET": "Webhooks:read"}

    @extend_schema(parameters=PAGE, responses=DeliveryPage, operation_id="webhook_deliveries_list")
    def get(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Newest first."""
        rows = self.one(webhook_id).deliveries.order_by("-id")
        limit = page_size(request) or 50
        if cursor := cursor_of(request):
            if len(cursor) != 1 or not is_number(cursor[0]) or len(cursor[0]) > 18:
                raise Invalid("The cursor is not one that was given out.")
            rows = rows.filter(id__lt=int(cursor[0]))
        page = list(rows[: limit + 1])
        following = next_page(request, [str(page[limit - 1].id)]) if len(page) > limit else None
        return Response({"items": [shapes.delivery(row) for row in page[:limit]], "next": following})


class Recovery(WebhookAPI):
    """Everything that failed, once more."""

    permissions = {"POST": "Webhooks:execute"}

    @extend_schema(request=RecoverIn, responses={202: RecoveredOut}, operation_id="webhooks_redeliver")
    def post(self, request: Request, webhook_id: UUID, **kwargs: Any) -> Response:
        """Every event whose last attempt since the moment failed is sent again, oldest first.

        What its turn has not come for yet is tried again by itself, and is not meant. ``left`` did not fit:
        ask again when these are through.
        """
        since = self.read(RecoverIn)["since"]
        found = webhook_requests.redeliver_failed(**self.of(webhook_id), since=since)
        return Response({"asked": found.asked, "left": found.left}, status=202)


class Redelivery(WebhookAPI):
    """The event of a delivery, once more."""

    permissions = {"POST": "Webhooks:execute"}

    @extend_schema(request=None, responses={202: DeliveryOut})
    def post(self, request: Request, webhook_id: UUID, delivery_id: int, **kwargs: Any) -> Response:
        """Send it again within seconds, under the same id; the outcome is among the deliveries."""
        asked = webhook_requests.redeliver(**self.of(webhook_id), delivery_id=delivery_id)
        return Response(shapes.delivery(asked), status=202)
