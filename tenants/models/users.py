"""People: never found without their tenant."""

import unicodedata
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Collate, Lower
from django.utils.translation import gettext_lazy as _

from tenants.models.spanned import Spanned, no_overlap
from tenants.models.tenants import Tenant

FEDERATED = "fed"  # among the methods of a session: an identity provider says who it is
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_CALLED = Case(When(display_name__gt="", then=F("display_name")), default=F("username"))


def known_language(code: str) -> None:
    """One in which the portal can be read."""
    if code not in dict(settings.LANGUAGES):
        raise ValidationError("This language is not known.", code="unknown_language")


@cache
def zones() -> frozenset[str]:
    """The names of the tz database: finding them reads hundreds of files."""
    return frozenset(available_timezones())


def known_zone(name: str) -> None:
    """One of the names of the tz database."""
    if name not in zones():
        raise ValidationError("This time zone is not known.", code="unknown_zone")


def is_plain(name: str) -> bool:
    """Whether it stands in one line and shows all that it is made of, in the order in which it is read.

    Joiners between letters are a part of many names; what else is unseen or turns text around is not.
    """
    kinds = [unicodedata.category(sign) for sign in name if sign not in "\u200c\u200d"]
    return not any(kind.startswith("C") or kind in ("Zl", "Zp") for kind in kinds)


class Living(models.Manager["User"]):
    """Who was not deleted. It is the default, so that no list, search or sign-in has to remember it."""

    def get_queryset(self) -> models.QuerySet["User"]:
        """What is left of a deleted person is asked for by name: ``User.everyone``."""
        return super().get_queryset().filter(deleted_at=None)


class User(AbstractBaseUser):
    """A person in exactly one tenant. Activity has spans (:class:`UserActivity`).

    The row of a deleted one stays, because facts of the past refer to it, and so that the id is never used
    again; user name, mailbox and password are gone from it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="users")
    username = models.CharField(max_length=150)
    email = models.EmailField(max_length=254)
    # When a link that went there was used. Another address waits for its own.
    email_proven_at = models.DateTimeField(null=True, blank=True)
    display_name = models.CharField(max_length=150)
    # Chosen by the person; empty: what the browser asks for, and the zone of the installation.
    language = models.CharField(max_length=10, blank=True, validators=[known_language])
    time_zone = models.CharField(max_length=64, blank=True, validators=[known_zone])
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    # Until then an act of a deleted person may still write his name. Null: looked after, or the name stays.
    late_until = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)

    objects: ClassVar[models.Manager["User"]] = Living()
    everyone: ClassVar[models.Manager["User"]] = models.Manager()

    USERNAME_FIELD = "id"  # must be unique in the installation; sign-in looks up (tenant, user name)
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("username"),
                condition=Q(deleted_at=None),
                name="user_username_once",
                violation_error_message="This user name is taken in this organization.",
            ),
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                condition=Q(deleted_at=None),
                name="user_email_once",
                violation_error_message="This e-mail address is taken in this organization.",
            ),
            models.CheckConstraint(
                condition=Q(username__regex=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$"),
                name="user_username_grammar",
                violation_error_message="Use letters, digits and . _ @ + - in a user name.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["late_until"], condition=Q(late_until__isnull=False), name="user_by_late_names"
            ),
            # Across organizations: who types an address asks where it belongs.
            models.Index(Lower("email"), condition=Q(deleted_at=None), name="user_by_email"),
            # Of thousands, the next few in the order of names, or of ids.
            models.Index("tenant", Collate(Lower(_CALLED), "C"), "id", name="user_by_name"),
            models.Index(fields=["tenant", "id"], name="user_by_id"),
        ]
        ordering = ["username"]

    def __str__(self) -> str:
        return self.display_name or self.username

    def clean(self) -> None:
        """Asked by each action that saves a person: mails, lists and consent pages show the name."""
        super().clean()
        if not is_plain(self.display_name):
            said = _("A name has no line breaks and no signs that are not seen or turn text around.")
            raise ValidationError({"display_name": ValidationError(said, code="not_plain")})


class UserActivity(models.Model):
    """A span in which a user may sign in and holds what is assigned to him."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="activity")
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [no_overlap("useractivity_no_overlap", ["user"], "This user is active already.")]
        # Of one after the other: the index that keeps spans apart takes five times as long.
        indexes = [models.Index(fields=["tenant", "user"], name="useractivity_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.during}"


class UserLink(models.Model):
    """A single-use link to a mailbox: an invitation, a password reset, or the proof of another address."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation", "invitation"
        RESET = "reset", "reset"
        EMAIL = "email", "proof of an address"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=12, choices=Purpose)
    email = models.EmailField(max_length=254, blank=True)  # the address to prove, until the link is used
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email="") | Q(purpose="email"),
                name="userlink_address_of_its_purpose",
                violation_error_message="Only the proof of an address names one.",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "created_at"], name="userlink_sent")]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user_id}"


class UserSession(models.Model):
    """A signed-in browser of one tenant. Only the digest of the cookie is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reauthenticated_at = models.DateTimeField(null=True, blank=True)
    # When a password or passkey was asked for before an act. It is no new sign-in: applications that ask how
    # long ago that was, and by what, are not told of it.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # How the person signed in, in words of RFC 8176.
    methods = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    source_address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="usersession_by_end")]

    def __str__(self) -> str:
        return f"session of {self.user_id}"

    @property
    def authenticated_at(self) -> datetime:
        """When the person last proved who he is."""
        return self.reauthenticated_at or self.created_at

    @property
    def proven_at(self) -> datetime:
        """When password or passkey last were given in this browser, for whatever reason.

        Who came by an identity provider gave neither here: then it is what the provider says of that.
        """
        if FEDERATED in self.methods:
            return self.confirmed_at or NEVER
        return max(self.authenticated_at, self.confirmed_at or self.authenticated_at)


class SignInFailure(models.Model):
    """A refused sign-in, kept for the hour in which it counts against guessing, and against rows in history.

    ``attempt`` is made of digests of what was typed as organization and as name: people type passwords there.
    ``source_address`` is where it counts: a network, or one browser that is known to the person.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    attempt = models.CharField(max_length=64)
    source_address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "attempt", "source_address", "at"], name="signinfailure_counted"),
            models.Index(fields=["tenant", "at"], name="signinfailure_by_age"),
            models.Index(fields=["source_address", "at"], name="signinfailure_by_source"),
        ]

    def __str__(self) -> str:
        return f"refused at {self.at}"


class OrganizationsAsked(models.Model):
    """Somebody typed an e-mail address at the entry. It belongs to no tenant: maybe there is nobody.

    The address is sealed, and gone when its mail was sent; the digest counts against asking again.
    """

    digest = models.CharField(max_length=64)
    source_address = models.CharField(max_length=64)
    sealed = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["digest", "at"], name="organizationsasked_by_address"),
            models.Index(fields=["source_address", "at"], name="organizationsasked_by_source"),
            models.Index(fields=["at"], name="organizationsasked_by_age"),
        ]

    def __str__(self) -> str:
        return f"asked at {self.at}"
