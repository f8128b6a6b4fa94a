"""``probe 8000 /readyz [seconds]`` asks a process here how it is, as the proxy in front would; exit 0 or 1.

Over plain HTTP or by another name each answer would be a redirect or a refusal, and probers take the former
for health. With seconds it asks again until then: so whoever starts a process waits before he stops the next.
"""

import http.client
import os
import sys
import time
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


def answers_within(seconds: float, port: int, path: str) -> bool:
    """Whether it says so before the time is over; asked once at least."""
    end = time.monotonic() + seconds
    while not answers(port, path):
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


if __name__ == "__main__":
    _seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    sys.exit(0 if answers_within(_seconds, int(sys.argv[1]), sys.argv[2]) else 1)
