"""One request to a webhook: to an address that was checked, in bounded time, following nothing."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from urllib3.exceptions import HTTPError

from applications.delivery.addresses import AddressRefused, Receiver, receiver
from applications.delivery.connecting import Deadline, asked, word

MOST_READ = 4096  # bytes of the reply, which are thrown away


@dataclass(frozen=True, slots=True)
class Reply:
    """How it went. ``status`` is None when none came, and ``error`` then says why."""

    status: int | None
    error: str
    retry_after: str
    milliseconds: int

    @property
    def delivered(self) -> bool:
        """2xx is yes; everything else is no, also a redirect: it is never followed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def slow(self) -> bool:
        """So long that others are not to wait behind it: it goes where those are that fail."""
        return self.milliseconds > settings.WEBHOOK_SLOW_SECONDS * 1000

    @property
    def gone(self) -> bool:
        """The receiver wants no more (410, as Standard Webhooks has it)."""
        return self.status == 410


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send it once. Every way in which it can fail is an answer, none is an exception."""
    began = time.monotonic()
    status, error, retry_after = None, "", ""
    with Deadline(settings.WEBHOOK_WHOLE_SECONDS) as deadline:
        try:
            status, retry_after = _ask(receiver(url), body, headers, deadline)
        except AddressRefused as refused:
            error = refused.word
        except Exception as failure:
            error = "timed_out" if deadline.over else word(failure)
    milliseconds = round((time.monotonic() - began) * 1000)
    return Reply(status, error, retry_after, milliseconds)


def _ask(to: Receiver, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> tuple[int, str]:
    """The status and what ``Retry-After`` says."""
    sent = {"user-agent": "iam-portal-webhooks", **headers}
    seconds = settings.WEBHOOK_CONNECT_SECONDS
    with asked(to, deadline, method="POST", body=body, headers=sent, connect_seconds=seconds) as reply:
        with suppress(HTTPError, OSError):  # the status is the answer, whatever follows it
            reply.read(MOST_READ, decode_content=False)
        return reply.status, str(reply.headers.get("retry-after", ""))[:64]
