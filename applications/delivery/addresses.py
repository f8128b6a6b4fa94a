"""Where we go for others, to send a webhook or to fetch keys: no way into the private network, whatever a
name resolves to.

A URL is looked at when it is given; the addresses behind its name are looked at before every request, and
the request goes to one of exactly these. A name that turns private in between leads nowhere.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_PORTS = {"https": 443, "http": 80}
# Besides what the registry calls not global; some versions of Python know less of it than others.
_NEVER = [
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
        "168.63.129.16/32",  # public by its number, the host of virtual machines by its use
        *("64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
]
# Forms of IPv6 that stand for an address of IPv4 in their last or inner 32 bits.
_HOLD_IPV4 = [ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")]
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")  # all that has been given out to the internet


class AddressRefused(Exception):
    """Nothing is sent there. ``word`` is for the record of deliveries, ``text`` for people."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(word)
        self.word, self.text = word, text


@dataclass(frozen=True, slots=True)
class Reach:
    """How far we go: to public addresses, and into these networks. ``plain``: also without TLS."""

    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
    plain: bool
    text: str  # for people, where an address lies beyond

    def covers(self, address: IPAddress) -> bool:
        """Whether a connection may go there."""
        inner = _inner(address) or address
        return is_public(address) or any(inner in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A URL in parts. ``host`` is as certificates name it, ``target`` what the request line asks for."""

    secure: bool
    host: str
    port: int
    target: str
    reach: Reach

    @property
    def authority(self) -> str:
        """The ``Host`` header (RFC 9110 §7.2)."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == DEFAULT_PORTS["https" if self.secure else "http"]
        return name if usual else f"{name}:{self.port}"

    @property
    def shown(self) -> str:
        """The origin. Path and query stay out of records: they may hold a secret of the receiver."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"


def of_webhooks() -> Reach:
    """How far events are sent."""
    text = "The address lies in a private network. Webhooks are sent to public addresses only."
    plain = settings.PORTAL_WEBHOOK_INSECURE_HTTP and not settings.PRODUCTION
    return Reach(settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS, plain, text)


def of_keys() -> Reach:
    """How far we go for the keys of clients and of issuers they trust: never without TLS."""
    text = "The address lies in a private network. Keys are fetched from public addresses only."
    return Reach(settings.PORTAL_FOREIGN_NETWORKS, False, text)


def receiver(url: str, reach: Reach | None = None) -> Receiver:
    """The parts of a sound URL; AddressRefused otherwise, also for a private address written as such.

    Within the reach of webhooks, where no other is given.
    """
    reach = reach or of_webhooks()
    # Whitespace and line ends would write headers; browsers and libraries disagree on a backslash.
    if not url.isascii() or not url.isprintable() or set(url) & set(" \\"):
        raise AddressRefused("malformed", "This is no address.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("malformed", "This is no address.") from None
    _require_sound(parts, host, port, reach)
    made = Receiver(
        secure=parts.scheme == "https",
        host=host,
        port=port or DEFAULT_PORTS[parts.scheme],
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        reach=reach,
    )
    _require_within(reach, _written(host))
    return made


def resolve(to: Receiver) -> list[IPAddress]:
    """The addresses behind the name now, each of them within reach. One that is not refuses all."""
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("no_such_host", "The name has no address.") from None
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0])) for entry in found))
    _require_within(to.reach, addresses)
    return addresses


def is_public(address: IPAddress) -> bool:
    """Whether anybody in the internet may be reached by it."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if any(address in network for network in _NEVER):
        return False
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return False
    return address.is_global and not address.is_multicast and not address.is_unspecified


def _inner(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in _HOLD_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _require_within(reach: Reach, addresses: list[IPAddress]) -> None:
    if not all(reach.covers(address) for address in addresses):
        raise AddressRefused("address_refused", reach.text)


def _require_sound(parts: SplitResult, host: str, port: int | None, reach: Reach) -> None:
    """Scheme, and nothing in it that leads elsewhere than it looks."""
    if parts.scheme != "https" and not (parts.scheme == "http" and reach.plain):
        raise AddressRefused("malformed", "An address begins with https.")
    if not host or port == 0 or len(host) > 253 or set(host) & set("%*,;'\"<>{}|^`"):
        raise AddressRefused("malformed", "This is no address.")
    if "@" in parts.netloc:
        raise AddressRefused("malformed", "An address names no user and no password.")
    if parts.fragment:
        raise AddressRefused("malformed", "An address has no fragment.")


def _written(host: str) -> list[IPAddress]:
    """The address, where the host is one and no name: in every spelling that a connection would take."""
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        return [ipaddress.ip_address("127.0.0.1")]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(entry[4][0])) for entry in found]
