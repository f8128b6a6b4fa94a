"""Whether a request comes from the portal (Standard Webhooks): Python's own library, nothing else.

verify(secret, headers, body) with the body as it came, byte by byte. During a change of secrets give the one
you know: the request carries a signature by each that is living.
"""

import base64
import hashlib
import hmac
import time

TOLERANCE = 300  # seconds: what is older may have been recorded by somebody and sent again


def verify(secret: str, headers: dict[str, str], body: bytes) -> str:
    """The id of the event; remember it, since the same may come twice. ValueError for anything else."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event, at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        if abs(time.time() - int(at)) > TOLERANCE:
            raise ValueError("too old, or from the future")
    except KeyError as missing:
        raise ValueError(f"without {missing}") from None
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mark = hmac.digest(key, f"{event}.{at}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(mark).decode()
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in signatures.split(" ")):
        raise ValueError("not signed by this secret")
    return event
