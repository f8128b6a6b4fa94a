"""Telling applications that a person has signed out (OpenID Connect Back-Channel Logout 1.0), as a job.

A logout token is of a type of its own: it opens nothing here, and nothing else passes for one.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings

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
log = logging.getLogger("iam.oauth")


def run(*, at: datetime) -> int:
    """Send what is due, one after the other; how many were told. Killed, another turn goes on."""
    told = 0
    for notice in logout_notices.taken(at=at):
        if not notice.client.backchannel_logout_uri:  # it wants to hear no more
            logout_notices.settle(notice)
            continue
        reply = _send(notice, at)
        told += reply.delivered
        if reply.delivered or _is_final(notice, reply):
            logout_notices.settle(notice)
        else:
            wait = waits.wait(attempts=notice.attempts, retry_after=reply.retry_after, at=at)
            logout_notices.postpone(notice, until=at + wait)
    return told


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
