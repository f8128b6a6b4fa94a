"""OAuth clients of an application (the swapped toolkit model)."""

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from oauth2_provider.models import AbstractApplication

from applications.models.applications import Application

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"
DEMANDS = [(name, name) for name in (OFF, OPTIONAL, REQUIRED)]  # from loose to strict
FRONTEND = "-frontend"


class Client(AbstractApplication):
    """The confidential client ``<applicationId>`` or the public one ``<applicationId>-frontend``.

    The toolkit's own ``client_secret`` is not used and must be empty: secrets are rows of
    :class:`ClientSecret`. Constraints refuse the password and implicit grants, which ``full_clean`` of
    the toolkit would let pass.
    """

    METHODS = [
        (name, name)
        for name in (
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
            "none",
        )
    ]

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="clients")
    token_endpoint_auth_method = models.CharField(
        max_length=40, default="client_secret_basic", choices=METHODS
    )
    algorithm = models.CharField(
        max_length=5, default="ES256", choices=[("ES256", "ES256"), ("RS256", "RS256")]
    )  # of its access and ID tokens
    client_jwks_uri = models.CharField(max_length=500, blank=True)  # where its public keys are
    scope_aliases = models.JSONField(default=dict, blank=True)  # old name: the words that it stands for
    token_without_target = models.BooleanField(default=True)  # no scope: every application it may call
    # For old integrations only. Strict by default.
    ignore_unknown_scopes = models.BooleanField(default=False)
    secret_either_way = models.BooleanField(default=False)  # Basic or form, whichever of both is registered
    assertion_for_token_endpoint = models.BooleanField(default=False)  # its address is taken as ``aud``, too
    pkce_required = models.BooleanField(default=True)  # off for confidential clients only
    token_exchange = models.BooleanField(default=False, db_default=False)  # RFC 8693, of tokens sent to it
    dpop = models.CharField(max_length=8, default="optional", db_default="optional", choices=DEMANDS)
    pushed_requests = models.CharField(
        max_length=8, default="optional", db_default="optional", choices=DEMANDS
    )
    backchannel_logout_uri = models.CharField(max_length=500, blank=True, default="", db_default="")
    revision = models.PositiveIntegerField(default=1)

    class Meta(AbstractApplication.Meta):
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(client_type="confidential", client_id=F("application"))
                    | Q(client_type="public", client_id=Concat(F("application"), Value(FRONTEND)))
                ),
                name="client_id_of_application",
                violation_error_message="The client id is the application's, public ones end in -frontend.",
            ),
            models.CheckConstraint(
                condition=Q(authorization_grant_type__in=["client-credentials", "authorization-code"]),
                name="client_grant_allowed",
                violation_error_message="Only client credentials and the code grant are offered.",
            ),
            models.CheckConstraint(
                condition=Q(client_secret=""),
                name="client_no_toolkit_secret",
                violation_error_message="Secrets are kept as digests of their own.",
            ),
            models.CheckConstraint(
                condition=~Q(client_type="public") | Q(token_endpoint_auth_method="none"),  # noqa: S106
                name="client_public_has_no_secret",
                violation_error_message="A public client cannot authenticate.",
            ),
            models.CheckConstraint(
                condition=~Q(client_type="public") | Q(pkce_required=True),
                name="client_public_has_pkce",
                violation_error_message="A public client always needs PKCE.",
            ),
        ]

    def __str__(self) -> str:
        return self.client_id

    def get_allowed_schemes(self) -> list[str]:
        """Of the toolkit: to which schemes it may redirect. What may be registered was decided before."""
        return sorted({"https", *(uri.partition(":")[0] for uri in self.redirect_uris.split())})
