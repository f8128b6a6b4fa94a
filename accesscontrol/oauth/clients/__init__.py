"""Client authentication (RFC 6749 §2.3): what a client presents, and whose proof it is.

One path and one time for every failure: an unknown client costs the same queries and the same verification
as a wrong proof, so that neither body nor clock tells which ids exist.
"""

from accesscontrol.oauth.clients.authenticating import NONE, Authenticated, authenticate, by_basic, identify
from accesscontrol.oauth.clients.binding import fits
from accesscontrol.oauth.clients.certificates import configured as certificates_are_taken
from accesscontrol.oauth.clients.presented import Presented, presented
from iam_portal.admission import basic

__all__ = [
    "NONE",
    "Authenticated",
    "Presented",
    "authenticate",
    "basic",
    "by_basic",
    "certificates_are_taken",
    "fits",
    "identify",
    "presented",
]
