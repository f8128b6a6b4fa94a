"""Refused proofs of clients, counted: whoever goes on with a wrong one is told to wait.

A right proof is taken at any moment, from wherever: a secret of 256 bits is not found by guessing, and
whoever shares a network with a badly configured service must not stand still for it. The limit is against
load and noise. Past it, a wrong proof costs no row and is answered 429 with the true wait.
"""

import ipaddress
import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from accesscontrol.oauth.refusals import ClientRefused, ClientThrottled
from tenants.actions.tallies import Limit, count

WINDOW = timedelta(minutes=5)
OF_CLIENT = Limit(kind=1, most=100, window=WINDOW)  # one client from one network, known or not …
OF_NETWORK = Limit(kind=2, most=1_000, window=WINDOW)  # … all clients from one network
log = logging.getLogger("iam.oauth")


def refusal(*, client_id: str, source: str, at: datetime) -> ClientRefused:
    """What a refused proof is answered with. Known and unknown clients cost the same statement."""
    network = network_of(source)
    try:
        with transaction.atomic():
            wait = count({OF_CLIENT: f"{network} {client_id}", OF_NETWORK: network}, at=at)
    except DatabaseError:  # a count must not make a refusal look like a fault of ours
        log.warning("a refused client was not counted", exc_info=True)
        wait = 0
    return ClientThrottled(wait) if wait else ClientRefused()


def network_of(source: str) -> str:
    """The /24 or /56 of an address: what one customer of a provider has."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    bits = 24 if address.version == 4 else 56
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
