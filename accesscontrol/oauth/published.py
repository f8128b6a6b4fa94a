"""What everybody may read and keep: the key set and the metadata of an issuer."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from accesscontrol.actions import keys

# Nothing here depends on who asks, so any page of any origin may read it (no cookie goes with ``*``).
HEADERS = {"Cache-Control": f"public, max-age={keys.MAX_AGE}", "Access-Control-Allow-Origin": "*"}


def answer(request: HttpRequest, body: Mapping[str, Any]) -> HttpResponse:
    """JSON with a strong ETag, alike to the byte from every process; 304 for who has it (RFC 9110 §13)."""
    content = json.dumps(body).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    full = HttpResponse(content, content_type="application/json", headers={**HEADERS, "ETag": etag})
    response = get_conditional_response(request, etag=etag, response=full)
    assert response is not None
    response["Access-Control-Allow-Origin"] = HEADERS["Access-Control-Allow-Origin"]  # on a 304, too
    return response
