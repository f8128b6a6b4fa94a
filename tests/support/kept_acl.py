"""An ACL as it is kept and sent, without the door."""

import json
from datetime import datetime
from typing import Any

from accesscontrol import acl
from applications.models import Application


def read_acl(application: Application, /, *, at: datetime, since: int | None = None) -> dict[str, Any]:
    """What a reader of this moment is sent."""
    acl.standing(application, at=at)
    body: dict[str, Any] = json.loads(b"".join(acl.copied(application.id, since=since).pieces()))
    return body
