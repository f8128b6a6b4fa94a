"""``probe 8000 /readyz`` asks a process of this machine how it is, as the proxy in front would; exit 0 or 1.

Over plain HTTP or by another name each answer would be a redirect or a refusal, and probers take the former
for health.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

SECONDS = 4.0


def answers(port: int, path: str) -> bool:
    """Whether it says 200, under the portal's own name."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    base = urlsplit(os.environ.get("PORTAL_BASE_URL", ""))
    try:
        asked.request("GET", path, headers={"Host": base.netloc, "X-Forwarded-Proto": base.scheme})
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]), sys.argv[2]) else 1)
