"""What proves a client besides secrets: keys, certificates, and issuers that are trusted for it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import credential_shapes as shapes
from applications.actions import client_certificates, client_keys, client_settings, trusted_issuers
from applications.actions.client_settings import Settings
from applications.api._clients import ClientAPI, readable
from applications.proofs import certificates, keys
from applications.serializers.credentials import (
    CertificateIn,
    CertificateList,
    CertificateOut,
    KeyIn,
    KeyList,
    KeyOut,
    TrustedIssuerIn,
    TrustedIssuerList,
    TrustedIssuerOut,
)
from iam_portal.errors import Invalid
from tenants.creating import creates

READ_AND_ADD = {"GET": "Modules:read", "POST": "Modules:modify"}


class Keys(ClientAPI):
    """The public keys of a client."""

    permissions = READ_AND_ADD
    recent = frozenset({"POST"})

    @extend_schema(responses=KeyList, operation_id="client_keys_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The living ones, oldest first; where the client publishes its own stands in the client."""
        rows = self.client().keys.not_over(self.at).order_by("during", "id")
        return Response({"items": [shapes.key(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=KeyIn, responses={201: KeyOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Register a public key beside the present ones, or say where the client publishes its own."""
        body = self.read(KeyIn)
        if "jwksUri" in body:
            if body["note"] or body["expiresAt"]:
                raise Invalid("An address of keys has no note and no end.")
            row = client_settings.change(**self.of(), settings=Settings(jwks_uri=body["jwksUri"]))
            return Response(shapes.keys_elsewhere(row, self.at), status=201)
        if "jwk" in body:
            with readable("/jwk"):
                key = keys.of_jwk(body["jwk"])
        else:
            with readable("/pem"):
                key = keys.of_pem(body["pem"])
        made = client_keys.add(**self.of(), key=key, note=body["note"], expires_at=body["expiresAt"])
        return Response(shapes.key(made), status=201)


class OneKey(ClientAPI):
    """One key."""

    permissions = {"DELETE": "Modules:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key_id: UUID, **kwargs: Any) -> Response:
        """What it signs is taken no more."""
        client_keys.revoke(**self.of(), key_id=key_id)
        return Response(status=204)


class Certificates(ClientAPI):
    """The certificates of a client."""

    permissions = READ_AND_ADD
    recent = frozenset({"POST"})

    @extend_schema(responses=CertificateList, operation_id="client_certificates_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The living ones, oldest first."""
        rows = self.client().certificates.not_over(self.at).order_by("during", "id")
        return Response({"items": [shapes.certificate(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=CertificateIn, responses={201: CertificateOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Register a certificate, or a subject name with the anchor that it must chain to."""
        body = self.read(CertificateIn)
        more = {"note": body["note"], "expires_at": body["expiresAt"]}
        if "pem" in body:
            with readable("/pem"):
                certificate = certificates.of_pem(body["pem"])
            made = client_certificates.add(**self.of(), certificate=certificate, **more)
        else:
            with readable("/subjectDn"):
                name = certificates.subject_dn(body["subjectDn"])
            with readable("/trustAnchorPem"):
                anchor = certificates.anchor_of_pem(body["trustAnchorPem"])
            made = client_certificates.add_name(**self.of(), subject_dn=name, anchor=anchor, **more)
        return Response(shapes.certificate(made), status=201)


class OneCertificate(ClientAPI):
    """One certificate."""

    permissions = {"DELETE": "Modules:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, certificate_id: UUID, **kwargs: Any) -> Response:
        """It proves nothing any more."""
        client_certificates.revoke(**self.of(), certificate_id=certificate_id)
        return Response(status=204)


class TrustedIssuers(ClientAPI):
    """Issuers from outside whose word about one subject stands for the client."""

    permissions = READ_AND_ADD
    recent = frozenset({"POST"})

    @extend_schema(responses=TrustedIssuerList, operation_id="trusted_issuers_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The living ones, oldest first."""
        rows = self.client().trusted_issuers.not_over(self.at).order_by("during", "id")
        return Response({"items": [shapes.trusted_issuer(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=TrustedIssuerIn, responses={201: TrustedIssuerOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Trust an issuer for one subject; without keys they are found by the issuer's discovery."""
        body = self.read(TrustedIssuerIn)
        given = None
        if body["jwks"] is not None:
            with readable("/jwks"):
                given = tuple(keys.of_set(body["jwks"]))
        trust = trusted_issuers.Trust(
            issuer=body["issuer"], subject=body["subject"], jwks=given, jwks_uri=body["jwksUri"] or ""
        )
        more = {"note": body["note"], "expires_at": body["expiresAt"]}
        made = trusted_issuers.add(**self.of(), trust=trust, **more)
        return Response(shapes.trusted_issuer(made), status=201)


class OneTrustedIssuer(ClientAPI):
    """One trusted issuer."""

    permissions = {"DELETE": "Modules:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, issuer_id: UUID, **kwargs: Any) -> Response:
        """Believe it no more."""
        trusted_issuers.revoke(**self.of(), issuer_id=issuer_id)
        return Response(status=204)
