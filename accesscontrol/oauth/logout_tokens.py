"""Telling applications that a person has signed out (OpenID Connect Back-Channel Logout 1.0), as a job.

A logout token is of a type of its own: it opens nothing here, and nothing else passes for one.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connections

from accesscontrol.actions import logout_notices
from accesscontrol.models import LogoutNotice
from accesscontrol.oauth import tokens
from accesscontrol.oauth.claims import issuer, seconds
from accesscontrol.oauth.wire import FORM
from applications.delivery import waits
from applications.delivery.posting import Reply, post

TYPE = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFE = timedelta(minutes=2)
THREADS, MOST_SECONDS = 4, 15.0  # of a process; of one turn
_places = threading.Semaphore(THREADS)
_changing = threading.Lock()
_served: set[UUID] = set()  # organizations of which one is on its way
log = logging.getLogger("iam.oauth")


def start(*, clock: Callable[[], datetime]) -> int:
    """Have some threads of this process send what is due, and return at once; how many began.

    A receiver that hangs keeps a thread of these waiting, and no worker.
    """
    begun = 0
    while begun < logout_notices.are_due(at=clock()) and _places.acquire(blocking=False):
        begun += 1
        _threads().submit(_turn, clock)
    return begun


def _turn(clock: Callable[[], datetime]) -> None:
    try:
        run(at=clock())
    except Exception as failure:  # its text may hold what must not be logged; what was taken comes again
        log.error("logouts were not told: %s", type(failure).__name__)
    finally:
        connections.close_all()
        _places.release()


def run(*, at: datetime) -> int:
    """Send what is due, one after the other, for some seconds; how many were told.

    No organization has two on their way in a process, and one whose receiver failed comes again in another
    turn: it takes nobody's place. Killed, another turn goes on.
    """
    told, end, failed = 0, time.monotonic() + MOST_SECONDS, set[UUID]()
    while time.monotonic() < end:
        with _changing:
            notice = logout_notices.take(at=at, besides={*_served, *failed})
            if notice is None:
                break
            _served.add(notice.tenant_id)
        try:
            reply = _served_one(notice, at)
        finally:
            _served.discard(notice.tenant_id)
        if reply.delivered:
            told += 1
        elif reply.status is None or reply.status >= 500:
            failed.add(notice.tenant_id)
    return told


def _served_one(notice: LogoutNotice, at: datetime) -> Reply:
    if not notice.client.backchannel_logout_uri:  # it wants to hear no more
        logout_notices.settle(notice)
        return Reply(400, "", "", 0)
    reply = _send(notice, at)
    if reply.delivered or _is_final(notice, reply):
        logout_notices.settle(notice)
    else:
        wait = waits.wait(attempts=notice.attempts, retry_after=reply.retry_after, at=at)
        logout_notices.postpone(notice, until=at + wait)
    return reply


def token(notice: LogoutNotice, *, at: datetime) -> str:
    """§2.4: for this client, about this sign-in of this person. It has no nonce, so it is no ID token."""
    claims: dict[str, Any] = {
        "iss": issuer(settings.PORTAL_BASE_URL, notice.tenant_id),
        "aud": notice.client.client_id,
        "sub": str(notice.user_id),
        "sid": str(notice.sid),
        "iat": seconds(at),
        "exp": seconds(at + LIFE),
        "jti": uuid4().hex,
        "events": {EVENT: {}},
    }
    return tokens.sign(claims, at=at, algorithm=notice.client.algorithm, type=TYPE)


def _send(notice: LogoutNotice, at: datetime) -> Reply:
    """§2.5. The address is looked at again, as those of webhooks are."""
    body = urlencode({"logout_token": token(notice, at=at)}).encode()
    return post(notice.client.backchannel_logout_uri, body=body, headers={"content-type": FORM})


def _is_final(notice: LogoutNotice, reply: Reply) -> bool:
    """§2.8: 400 says that it does not want this one; tried often enough, nobody seems to be there."""
    refused = reply.status == 400
    if refused or notice.attempts >= logout_notices.MOST_ATTEMPTS:
        log.warning("a logout was not told: %s", "refused" if refused else reply.error or reply.status)
        return True
    return False


@cache
def _threads() -> ThreadPoolExecutor:
    """Made in the process that uses them: a thread does not live through a fork."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="logouts")
