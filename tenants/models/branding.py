"""How an organization looks to its own people."""

from django.db import models
from django.db.models import Q

from tenants.models.tenants import Tenant


class LogoKind(models.TextChoices):
    """What a logo is by its content."""

    PNG = "png", "PNG"
    JPEG = "jpeg", "JPEG"


class Branding(models.Model):
    """Name, colour and logo; whatever is empty is as the portal has it.

    ``on_sign_in``: whoever knows the address of the sign-in page sees it there, and so learns that the
    organization is here. Without it, that page looks as for one that does not exist.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    name = models.CharField(max_length=60, blank=True)
    colour = models.CharField(max_length=7, blank=True)
    on_sign_in = models.BooleanField(default=False)
    logo = models.BinaryField(null=True, blank=True)
    logo_kind = models.CharField(max_length=4, choices=LogoKind, blank=True)
    logo_digest = models.CharField(max_length=64, blank=True)
    logo_width = models.PositiveSmallIntegerField(null=True, blank=True)
    logo_height = models.PositiveSmallIntegerField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(colour="") | Q(colour__regex=r"^#[0-9a-f]{6}$"),
                name="branding_colour_grammar",
                violation_error_message="A colour is written like #1d4ed8.",
            ),
            models.CheckConstraint(
                condition=Q(logo__isnull=True, logo_kind="", logo_digest="")
                | Q(logo__isnull=False, logo_kind__in=["png", "jpeg"], logo_digest__regex=r"^[0-9a-f]{64}$"),
                name="branding_logo_whole",
                violation_error_message="A logo has its kind and its hash.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.name} {self.colour}"
