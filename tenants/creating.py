"""``Idempotency-Key`` at the doors that create: sent again, a request is answered again, not done again."""

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Invalid
from tenants.actions import replies
from tenants.models import IdempotentReply
from tenants.rest import TenantAPI

Handler = Callable[..., Response]
HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description=(
        "1 to 255 printable characters. The same key with the same body gives the same reply for 24 hours; "
        "with another body 422, while the first is at work 409."
    ),
)


def creates(post: Handler) -> Handler:
    """For a ``post`` of :class:`TenantAPI`, after its permission was asked: so it is asked of each request.

    A reply that must not be stored (``no-store``: it holds a secret) is not kept; sent again it is 409.
    """

    @wraps(post)
    def answered(view: TenantAPI, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return post(view, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            raise Invalid(f"{HEADER} takes 1 to 255 printable characters.")
        address = request.get_full_path()
        asked = replies.Asked(tenant=view.tenant, by=view.actor, address=address, key=key, body=request.data)
        found = replies.claim(asked, at=view.at)
        if found is not None:
            return _again(found)
        made = post(view, request, *args, **kwargs)
        replies.keep(
            asked, status=made.status_code, reply=_kept(made), etag=made.headers.get("ETag", ""), at=view.at
        )
        return made

    return extend_schema(parameters=[_PARAMETER])(answered)


def _again(found: IdempotentReply) -> Response:
    headers = {"Idempotency-Replayed": "true", **({"ETag": found.etag} if found.etag else {})}
    return Response(json.loads(found.reply or "null"), status=found.status, headers=headers)


def _kept(made: Response) -> str | None:
    if "no-store" in made.headers.get("Cache-Control", ""):
        return None
    return JSONRenderer().render(made.data).decode()
