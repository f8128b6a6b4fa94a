"""What an organization chooses to look like: checked so that it can be read, and passes for nobody else."""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from iam_portal.errors import Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import colours, pictures
from tenants.history import record
from tenants.models import Branding, Tenant
from tenants.policies import require_revision

Chosen = Mapping[str, str | bool]  # of FIELDS
FIELDS = ("name", "colour", "on_sign_in")
LONGEST = 60
_PORTAL = "iam portal"
_MOST_MARKS = 2  # above one letter: more are drawn over what stands around them


class BrandingRefused(Invalid):
    """A name or colour that is not taken; every objection is listed, with the nearest colour that is."""

    code = "branding_refused"


class LogoRefused(Invalid):
    """No picture that can be shown."""

    code = "logo_refused"


def change(
    *, tenant: Tenant, chosen: Chosen, by: Actor, at: datetime, revision: int | None = None
) -> Branding:
    """Choose what is given; empty goes back to the portal's own, and what is left out stays."""
    chosen = {name: _tidy(value) for name, value in chosen.items()}
    _require_sound(chosen)
    with _changing(tenant, by, at, revision) as row:
        for name in FIELDS:
            setattr(row, name, chosen.get(name, getattr(row, name)))
    return row


def put_logo(
    *, tenant: Tenant, picture: bytes, by: Actor, at: datetime, revision: int | None = None
) -> Branding:
    """Take a picture as the logo, cleaned; LogoRefused for what is none."""
    try:
        found = pictures.cleaned(picture)
    except pictures.PictureRefused as refused:
        errors = [{"pointer": "/picture", "code": refused.word, "detail": refused.text}]
        raise LogoRefused("The logo is not taken. Nothing was changed.", errors=errors) from refused
    with _changing(tenant, by, at, revision) as row:
        row.logo, row.logo_kind = found.data, found.kind
        row.logo_digest = hashlib.sha256(found.data).hexdigest()
        row.logo_width, row.logo_height = found.width, found.height
    return row


def remove_logo(*, tenant: Tenant, by: Actor, at: datetime, revision: int | None = None) -> Branding:
    """Go back to none. Without one, nothing changes."""
    with _changing(tenant, by, at, revision) as row:
        row.logo, row.logo_kind, row.logo_digest = None, "", ""
        row.logo_width = row.logo_height = None
    return row


def current(tenant: Tenant) -> Branding:
    """As it is, without the picture; not stored where nothing was ever chosen."""
    return Branding.objects.filter(pk=tenant.pk).defer("logo").first() or Branding(tenant=tenant)


def objections(name: str) -> str:
    """Why a name is not taken; empty when it is."""
    kinds = [unicodedata.category(sign) for sign in name]
    if len(name) > LONGEST:
        return said("At most %(longest)s characters.", {"longest": LONGEST})
    # Cc, Cf, Cs, Co, Cn: what is not seen, or turns around what is; Zl, Zp: lines.
    if any(kind.startswith("C") or kind in ("Zl", "Zp") for kind in kinds):
        return "A name has no invisible characters and none that turn the direction of text."
    if not any(kind[0] in "LN" for kind in kinds):
        return "A name has a letter or a digit."
    if "M" * (_MOST_MARKS + 1) in "".join(kind[0] for kind in kinds):
        return said("At most %(most)s marks stand on one letter.", {"most": _MOST_MARKS})
    if _PORTAL in unicodedata.normalize("NFKC", name).casefold():
        return "This is the name of the portal itself."
    return ""


@contextmanager
def _changing(tenant: Tenant, by: Actor, at: datetime, revision: int | None) -> Iterator[Branding]:
    """The row, locked by its tenant's, which is there from the beginning; saved if something moved."""
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        row = Branding.objects.filter(pk=tenant.pk).first() or Branding(tenant=tenant)
        require_revision(row, revision)
        before = _snapshot(row)
        yield row
        after = _snapshot(row)
        if after == before:
            return
        row.revision += 1
        row.full_clean()
        row.save()
        moved = [name for name in after if after[name] != before[name]]
        record(
            action="tenant.branding_changed",
            tenants=[tenant],
            by=by,
            at=at,
            subject=("tenant", tenant.id, tenant.name),
            before={name: before[name] for name in moved},
            after={name: after[name] for name in moved} | {"revision": f"r-{row.revision}"},
        )


def _snapshot(row: Branding) -> dict[str, Any]:
    """What history shows: of the logo its hash."""
    return {**{name: getattr(row, name) for name in FIELDS}, "logo": row.logo_digest}


def _tidy(value: str | bool) -> str | bool:
    """Single spaces, and letters with their marks as one sign where there is one."""
    if isinstance(value, bool):
        return value
    return unicodedata.normalize("NFC", " ".join(filter(None, value.split(" "))))


def _require_sound(chosen: Chosen) -> None:
    errors, data = [], {}
    name, colour = str(chosen.get("name", "")), str(chosen.get("colour", ""))
    if name and (objection := objections(name)):
        errors.append({"pointer": "/name", "code": "name_refused", "detail": objection})
    if colour and not colours.is_colour(colour):
        detail = "Write a colour like #1d4ed8."
        errors.append({"pointer": "/colour", "code": "colour_grammar", "detail": detail})
    elif colour and not colours.passes(colour):
        data["nearest"] = colours.nearest(colour)
        ratio = f"{colours.contrast(colour, colours.LIGHT_GROUND):.1f}"
        least, better = colours.ENOUGH, data["nearest"]
        detail = said(
            "Text in it has a contrast of %(ratio)s; it takes %(least)s. The nearest is %(better)s.",
            {"ratio": ratio, "least": least, "better": better},
        )
        errors.append({"pointer": "/colour", "code": "colour_contrast", "detail": detail})
    if errors:
        raise BrandingRefused("This look is not taken. Nothing was changed.", errors=errors, data=data)
