"""Shapes of questions about access."""

from typing import Any

from rest_framework import serializers as rest

from accesscontrol.serializers.assignments import PrincipalRef
from accesscontrol.serializers.roles import PRIVILEGES
from applications.serializers.shared import ReasonOut, Text
from tenants.rest import StrictSerializer

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = ("client_credentials", "authorization_code", "refresh_token", EXCHANGE)


class OnePrincipal(PrincipalRef):
    """Exactly one of the three."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nobody and several are no principal."""
        if len(attrs) != 1:
            raise rest.ValidationError("Name exactly one of userId, groupId and applicationId.", "principal")
        return attrs


class DecisionIn(StrictSerializer):
    """Who, what, where and when. ``owningTenantId``: in whose data, the tenant's own when left out."""

    principal = OnePrincipal()
    applicationId = Text(64)
    resourceType = Text()
    resourceId = Text()
    privilege = rest.RegexField(rf"^({'|'.join(PRIVILEGES)})$")
    owningTenantId = rest.UUIDField(required=False)
    at = rest.DateTimeField(required=False)


class NeedOut(rest.Serializer[Any]):
    """One change. All that are listed are needed; of ``roles``, one is enough."""

    code = rest.CharField()
    text = rest.CharField()
    applicationId = rest.CharField(required=False)
    contractId = rest.UUIDField(required=False)
    roles = rest.ListField(child=rest.CharField(), required=False)


class DecisionOut(rest.Serializer[Any]):
    """The answer with its chain, and for a no what would have to change."""

    allowed = rest.BooleanField()
    reasons = ReasonOut(many=True)
    at = rest.DateTimeField()
    wouldNeed = NeedOut(many=True)


class PreviewIn(StrictSerializer):
    """A token that might be asked for. ``userId`` for the grants in a person's name, and only there.

    Of an exchange the subject is a person or a service: ``userId`` or ``subjectApplicationId``.
    """

    clientId = Text(73)
    target = rest.RegexField(r"^([a-z0-9][a-z0-9._-]{0,63})?$", required=False, default="", allow_blank=True)
    grant = rest.ChoiceField(choices=GRANTS)
    scope = Text(4096, required=False, default="", allow_blank=True)
    userId = rest.UUIDField(required=False)
    subjectApplicationId = Text(64, required=False)
    at = rest.DateTimeField(required=False)


class PreviewOut(rest.Serializer[Any]):
    """The claims, or the error that the token endpoint would answer with.

    ``dpop``: whether the client proves a key (RFC 9449); ``cnf``: what its token then is bound to.
    """

    granted = rest.BooleanField()
    claims = rest.DictField(required=False)
    dpop = rest.ChoiceField(choices=("off", "optional", "required"), required=False)
    cnf = rest.ListField(child=rest.CharField(), required=False)
    error = rest.CharField(required=False)
    description = rest.CharField(required=False)
    reasons = ReasonOut(many=True, required=False)
