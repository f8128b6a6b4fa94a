"""What an act takes away, as the confirmation shows it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications.http import address
from applications.impact import Loss

MOST = 40


def shown(losses: Sequence[Loss], slug: str) -> dict[str, Any]:
    """``counts`` and ``names`` of ``_confirm.html``, or ``nothing``."""
    if not losses:
        return {"nothing": _("No application becomes unavailable by this.")}
    organizations = {loss.tenant_id for loss in losses}
    applications = {loss.application_id for loss in losses}
    return {
        "counts": [
            {
                "label": ngettext("Application", "Applications", len(applications)),
                "value": len(applications),
            },
            {
                "label": ngettext("Organization", "Organizations", len(organizations)),
                "value": len(organizations),
            },
        ],
        "names": [
            {
                "label": _("Becomes unavailable"),
                "items": [_item(loss, slug) for loss in losses[:MOST]],
                "more": max(0, len(losses) - MOST),
            }
        ],
    }


def digest(losses: Sequence[Loss], when: datetime | None) -> str:
    """Stands for what was shown: the pairs and the moment that was chosen."""
    pairs = sorted(f"{loss.application_id} {loss.tenant_id}" for loss in losses)
    text = "\n".join([when.isoformat() if when else "", *pairs])
    return hashlib.sha256(text.encode()).hexdigest()


def _item(loss: Loss, slug: str) -> dict[str, Any]:
    return {
        "text": _("%(application)s in %(organization)s")
        % {"application": loss.application, "organization": loss.tenant},
        "url": address("application-detail", slug, application_id=loss.application_id),
    }
