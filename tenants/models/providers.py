"""Identity providers of an organization: others who say who somebody is, and what is made of their word."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models.factors import SignInStep
from tenants.models.groups import Group, Membership
from tenants.models.tenants import Tenant
from tenants.models.users import User, UserSession, is_plain


class IdentityProvider(models.Model):
    """An OpenID provider that an organization trusts with the sign-in of its people.

    ``issuer`` never changes: what is linked is an account there, and another issuer could name any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="identity_providers")
    key = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    secret_sealed = models.TextField()
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    enabled = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    is_default = models.BooleanField(default=False)
    # Somebody whom nobody knows here may make himself an account.
    makes_people = models.BooleanField(default=False)
    # Its addresses count as proven, although it does not say so of each.
    trusts_email = models.BooleanField(default=False)
    trusts_second_factor = models.BooleanField(default=False)
    second_factor_acr = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"],
                name="identityprovider_key_once",
                violation_error_message="This key is taken in this organization.",
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(is_default=True),
                name="identityprovider_one_default",
                violation_error_message="Another provider is the default.",
            ),
            models.CheckConstraint(
                condition=Q(key__regex=r"^[a-z0-9][a-z0-9-]*$"),
                name="identityprovider_key_grammar",
                violation_error_message="Use lower-case letters, digits and hyphens in a key.",
            ),
        ]
        ordering: ClassVar[list[str]] = ["position", "name", "id"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Asked by each action that saves one: strangers read its name on the sign-in page."""
        super().clean()
        if not is_plain(self.name):
            said = _("A name has no line breaks and no signs that are not seen or turn text around.")
            raise ValidationError({"name": ValidationError(said, code="not_plain")})


class IdentityLink(models.Model):
    """An account at the provider, by the one thing there that never changes, and whose it is here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="links")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identity_links")
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "subject"],
                name="identitylink_subject_once",
                violation_error_message="This account of the provider belongs to somebody already.",
            ),
            models.UniqueConstraint(
                fields=["provider", "user"],
                name="identitylink_person_once",
                violation_error_message="This person has an account of the provider already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.provider_id}"


class ProviderArrival(models.Model):
    """Somebody who comes from a provider and is not in yet: unknown here, or before his second factor.

    What the provider said is sealed. Only the digest of the browser's cookie is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    step = models.OneToOneField(
        SignInStep, on_delete=models.CASCADE, related_name="arrival", null=True, blank=True
    )
    digest = models.CharField(max_length=64, unique=True)
    sealed = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_at"], name="providerarrival_by_end")]

    def __str__(self) -> str:
        return f"arrival from {self.provider_id}"


class ProviderSession(models.Model):
    """By which provider a session began, and how its person signs out there, too (sealed; maybe nothing)."""

    session = models.OneToOneField(
        UserSession, on_delete=models.CASCADE, primary_key=True, related_name="by_provider"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    leaving_sealed = models.TextField()

    def __str__(self) -> str:
        return f"{self.session_id} by {self.provider_id}"


class IdentityMapper(models.Model):
    """What the word of a provider moves here: somebody into a group, or one of his names.

    It does so in the name of who made it or changed it last, with what that one holds at the moment.
    """

    class Kind(models.TextChoices):
        GROUP = "group", "group"
        USERNAME = "username", "user name"
        EMAIL = "email", "e-mail address"
        DISPLAY_NAME = "display_name", "name"

    class When(models.TextChoices):
        FIRST = "first", "at the first sign-in"
        EVERY = "every", "at every sign-in"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="mappers")
    kind = models.CharField(max_length=12, choices=Kind)
    when = models.CharField(max_length=5, choices=When)
    claim = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=500, blank=True)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    template = models.CharField(max_length=200, blank=True)
    maker_kind = models.CharField(max_length=10)
    maker_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="group", group__isnull=False, template="") & ~Q(claim="") & ~Q(value="")
                    | ~Q(kind="group") & Q(group__isnull=True, claim="", value="") & ~Q(template="")
                ),
                name="identitymapper_whole",
                violation_error_message="A mapper names a group with claim and value, or a template.",
            ),
        ]
        ordering: ClassVar[list[str]] = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.provider_id}"


class MappedMembership(models.Model):
    """A membership that a mapper made. It takes away none but these."""

    membership = models.OneToOneField(
        Membership, on_delete=models.CASCADE, primary_key=True, related_name="mapped"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    mapper = models.ForeignKey(IdentityMapper, on_delete=models.CASCADE, related_name="memberships")

    def __str__(self) -> str:
        return f"{self.membership_id} by {self.mapper_id}"
