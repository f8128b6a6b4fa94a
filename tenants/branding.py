"""What an organization's own look is made of, as pages and mails ask for it."""

from dataclasses import dataclass
from uuid import UUID

from tenants.models import Branding, Tenant

NOBODY = UUID(int=0)  # asked for where there is no organization: it takes as long


@dataclass(frozen=True, slots=True)
class Look:
    """Empty is as the portal has it. ``registered`` is the name that nobody chose for himself here."""

    registered: str = ""
    name: str = ""
    colour: str = ""
    logo: str = ""  # the hash of its content, and its ending
    on_sign_in: bool = False


def look_of(tenant: Tenant | None) -> Look:
    """One query, inside the tenant's scope; without the picture itself."""
    rows = Branding.objects.filter(pk=tenant.pk if tenant else NOBODY)
    row = rows.values("name", "colour", "logo_kind", "logo_digest", "on_sign_in").first()
    registered = tenant.name if tenant else ""
    if row is None:
        return Look(registered)
    logo = f"{row['logo_digest']}.{row['logo_kind']}" if row["logo_digest"] else ""
    return Look(registered, row["name"], row["colour"], logo, row["on_sign_in"])


def named(tenant: Tenant) -> str:
    """For mails: by its own name, and always by the registered one, too."""
    own = look_of(tenant).name
    return f"{own} ({tenant.name})" if own and own != tenant.name else tenant.name
