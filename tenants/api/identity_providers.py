"""Identity providers by REST: the same acts as on their pages."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from tenants.actions import identity_links, identity_providers, mappers
from tenants.actions.identity_providers import FIELDS
from tenants.api.objections import of_body
from tenants.creating import creates
from tenants.models import IdentityLink, IdentityMapper, IdentityProvider
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, uuid_of, with_revision
from tenants.schema import PAGE
from tenants.serializers.identity_providers import (
    IdentityIn,
    IdentityOut,
    IdentityPage,
    MapperIn,
    MapperOut,
    MapperPage,
    ProviderIn,
    ProviderOut,
    ProviderPage,
    ProviderPatch,
)

_BODY = {
    **FIELDS,
    "key": "key",
    "issuer": "issuer",
    "identityprovider_key_once": "key",
    "identityprovider_key_grammar": "key",
}
_MAPPER = {name: name for name in mappers.FIELDS}
_READS = "IdentityProviders:read|GroupMappers:read"


class ProviderAPI(TenantAPI):
    """What the doors share."""

    def provider(self) -> IdentityProvider:
        """The provider of the address, or NotFound."""
        return identity_providers.of(self.tenant, self.kwargs["provider_key"])

    def given(self) -> dict[str, Any]:
        """What every act takes."""
        return {"tenant": self.tenant, "by": self.actor, "at": self.at}


class Providers(ProviderAPI):
    """The providers of the tenant."""

    permissions = {"GET": _READS, "POST": "IdentityProviders:add"}
    recent = frozenset({"POST"})

    @extend_schema(responses=ProviderPage, operation_id="identity_providers_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the order of the sign-in page; there are at most 20."""
        rows = self.tenant.identity_providers.select_related("tenant")
        return Response({"items": [_shape(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=ProviderIn, responses={201: ProviderOut}, operation_id="identity_providers_create")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """It is off unless `enabled` says otherwise, and lets nobody in whom nobody linked."""
        body = self.read(ProviderIn)
        with of_body(IdentityProvider, _BODY):
            row = identity_providers.create(
                **self.given(),
                key=body["key"],
                issuer=body["issuer"],
                secret=body["clientSecret"],
                chosen=_chosen(body),
            )
        return with_revision(_shape(row), row.revision, 201)


class OneProvider(ProviderAPI):
    """One of them."""

    permissions = {
        "GET": _READS,
        "PATCH": "IdentityProviders:modify",
        "DELETE": "IdentityProviders:delete",
    }
    recent = frozenset({"PATCH", "DELETE"})

    @extend_schema(responses=ProviderOut, operation_id="identity_providers_read")
    def get(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """Without its secret."""
        row = self.provider()
        return with_revision(_shape(row), row.revision)

    @extend_schema(request=ProviderPatch, responses=ProviderOut, operation_id="identity_providers_change")
    def patch(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """Switched off, whom it let in is signed out. Takes the revision in `If-Match`.

        What moves its word asks that the actor could give what those hold who are linked.
        """
        body = self.read(ProviderPatch)
        with of_body(IdentityProvider, _BODY):
            row = identity_providers.change(
                **self.given(),
                key=provider_key,
                chosen=_chosen(body),
                secret=body.get("clientSecret", ""),
                revision=self.revision(),
            )
        return with_revision(_shape(row), row.revision)

    @extend_schema(responses={204: None}, operation_id="identity_providers_delete")
    def delete(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """With its links and mappers; whom it let in is signed out. Takes the revision in `If-Match`."""
        identity_providers.delete(**self.given(), key=provider_key, revision=self.revision())
        return Response(status=204)


class Mappers(ProviderAPI):
    """The mappers of a provider."""

    permissions = {"GET": _READS, "POST": "GroupMappers:add"}
    recent = frozenset({"POST"})

    @extend_schema(responses=MapperPage, operation_id="identity_mappers_list")
    def get(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """In the order in which they were made; there are at most 200."""
        return Response({"items": [_mapper(row) for row in self.provider().mappers.all()], "next": None})

    @creates
    @extend_schema(request=MapperIn, responses={201: MapperOut}, operation_id="identity_mappers_create")
    def post(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """It acts in the actor's name: it gives nobody what he does not hold at the moment of a sign-in."""
        body = self.read(MapperIn)
        group_id = body.pop("groupId")
        with of_body(IdentityMapper, _MAPPER):
            row = mappers.create(**self.given(), provider=self.provider(), group_id=group_id, chosen=body)
        return with_revision(_mapper(row), row.revision, 201)


class OneMapper(ProviderAPI):
    """One of them."""

    permissions = {"GET": _READS, "PUT": "GroupMappers:modify", "DELETE": "GroupMappers:delete"}
    recent = frozenset({"PUT", "DELETE"})

    @extend_schema(responses=MapperOut, operation_id="identity_mappers_read")
    def get(self, request: Request, provider_key: str, mapper_id: UUID, **kwargs: Any) -> Response:
        """As it is."""
        row = mappers.of(self.provider(), mapper_id)
        return with_revision(_mapper(row), row.revision)

    @extend_schema(request=MapperIn, responses=MapperOut, operation_id="identity_mappers_change")
    def put(self, request: Request, provider_key: str, mapper_id: UUID, **kwargs: Any) -> Response:
        """Another rule; from now on it acts in the actor's name. Takes the revision in `If-Match`."""
        body = self.read(MapperIn)
        group_id = body.pop("groupId")
        with of_body(IdentityMapper, _MAPPER):
            row = mappers.change(
                **self.given(),
                provider=self.provider(),
                mapper_id=mapper_id,
                group_id=group_id,
                chosen=body,
                revision=self.revision(),
            )
        return with_revision(_mapper(row), row.revision)

    @extend_schema(responses={204: None}, operation_id="identity_mappers_delete")
    def delete(self, request: Request, provider_key: str, mapper_id: UUID, **kwargs: Any) -> Response:
        """Who is in a group by it stays there."""
        mappers.delete(**self.given(), provider=self.provider(), mapper_id=mapper_id)
        return Response(status=204)


class Identities(ProviderAPI):
    """Who is linked to accounts of a provider."""

    permissions = {"GET": "IdentityProviders:read"}

    @extend_schema(parameters=PAGE, responses=IdentityPage, operation_id="identities_list")
    def get(self, request: Request, provider_key: str, **kwargs: Any) -> Response:
        """By the id of the person here."""
        limit, rows = page_size(request) or 50, self.provider().links.order_by("user_id")
        if cursor := cursor_of(request):
            rows = rows.filter(user_id__gt=uuid_of(cursor[0], "cursor"))
        page = list(rows[: limit + 1])
        following = next_page(request, [str(page[limit - 1].user_id)]) if len(page) > limit else None
        return Response({"items": [_link(row) for row in page[:limit]], "next": following})


class OneIdentity(ProviderAPI):
    """The account of one person."""

    permissions = {"PUT": "IdentityProviders:modify", "DELETE": "IdentityProviders:modify"}
    recent = frozenset({"PUT", "DELETE"})

    @extend_schema(request=IdentityIn, responses=IdentityOut, operation_id="identities_link")
    def put(self, request: Request, provider_key: str, user_id: UUID, **kwargs: Any) -> Response:
        """The actor must be able to give all that the person holds. Sent again, it changes nothing."""
        subject, provider = self.read(IdentityIn)["subject"], self.provider()
        row = provider.links.filter(user_id=user_id, subject=subject).first()
        if row is None:
            row = identity_links.add(**self.given(), provider=provider, user_id=user_id, subject=subject)
        return Response(_link(row))

    @extend_schema(responses={204: None}, operation_id="identities_unlink")
    def delete(self, request: Request, provider_key: str, user_id: UUID, **kwargs: Any) -> Response:
        """Whom the provider let in as this person is signed out."""
        identity_links.remove(**self.given(), provider=self.provider(), user_id=user_id)
        return Response(status=204)


def _chosen(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[wire] for name, wire in FIELDS.items() if wire in body}


def _shape(row: IdentityProvider) -> dict[str, Any]:
    base = settings.PORTAL_BASE_URL
    return {
        "key": row.key,
        "issuer": row.issuer,
        **{wire: getattr(row, name) for name, wire in FIELDS.items()},
        "returnAddress": f"{base}/t/{row.tenant.slug}/sign-in/by/{row.key}/back",
        "revision": f"r-{row.revision}",
    }


def _mapper(row: IdentityMapper) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in mappers.FIELDS}
    group = str(row.group_id) if row.group_id else None
    return {
        "mapperId": str(row.id),
        **told,
        "groupId": group,
        "madeBy": row.maker_id,
        "revision": f"r-{row.revision}",
    }


def _link(row: IdentityLink) -> dict[str, Any]:
    return {"userId": str(row.user_id), "subject": row.subject, "lastUsedAt": rfc3339(row.last_used_at)}
