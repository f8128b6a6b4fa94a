"""Addresses that a client names: where its codes go, whose pages may ask for it, where its keys are."""

from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from applications.delivery.addresses import DEFAULT_PORTS, AddressRefused, of_keys, receiver
from iam_portal.sentences import said

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST = 20  # of each kind
LONGEST, LONGEST_ORIGIN = 500, 200
NO_ADDRESS = "This is no address."
# A whitespace parts two addresses where they are stored; browsers read a backslash as a slash.
_NEVER = set(' \\"<>^`{|}')


def redirect_errors(pointer: str, uris: Sequence[str], *, public: bool) -> list[dict[str, str]]:
    """Objections to addresses that codes or people are sent to."""
    return _errors(pointer, uris, lambda uri: redirect_objection(uri, public=public))


def origin_errors(pointer: str, origins: Sequence[str]) -> list[dict[str, str]]:
    """Objections to origins whose pages may read answers."""
    return _errors(pointer, origins, origin_objection)


def redirect_objection(address: str, *, public: bool = False) -> str:
    """What leads elsewhere than it looks, or whose codes others can read on their way; empty for none.

    RFC 6749 §3.1.2 and RFC 9700 §2.6: https without a fragment; plain http to this machine, in a demo. A
    public client may also name a scheme that its maker owns the domain of (RFC 8252 §7.1). The toolkit's
    own validator matches the beginning only: ``https://good.example:x@evil.example`` passes it.
    """
    parts = _plain(address, LONGEST)
    if parts is None:
        return NO_ADDRESS
    if "#" in address:
        return "An address has no fragment."
    if "." in parts.scheme:
        return _private_use_objection(address, parts, public=public)
    return _web_objection(parts)


def origin_objection(address: str) -> str:
    """RFC 6454 §6.1: scheme, host and port as browsers send them, and nothing after them."""
    parts = _plain(address, LONGEST_ORIGIN)
    if parts is None:
        return NO_ADDRESS
    if objection := _web_objection(parts):
        return objection
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    usual = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    sent = f"{parts.scheme}://{name}" + ("" if usual else f":{parts.port}")
    return "" if address == sent else said("An origin has no path: browsers send %(sent)s.", {"sent": sent})


def fetch_objection(address: str, *, fetched: bool = True) -> str:
    """As far as the text goes. What is behind the name is looked at again before every request.

    ``fetched``: whether the portal goes there; if not, it may lie in a private network.
    """
    if len(address) > LONGEST:
        return NO_ADDRESS
    try:
        receiver(address, of_keys())
    except AddressRefused as refused:
        if refused.word != "address_refused":
            return refused.text
        return "The address lies in a private network. Keys are fetched from public ones only." * fetched
    return ""


def told_objection(address: str) -> str:
    """To an address that the portal sends sign-outs to: within the reach of webhooks."""
    if len(address) > LONGEST:
        return NO_ADDRESS
    try:
        receiver(address)
    except AddressRefused as refused:
        return refused.text
    return ""


def _errors(pointer: str, given: Sequence[str], objection: Callable[[str], str]) -> list[dict[str, str]]:
    if len(given) > MOST:
        return [
            {
                "pointer": pointer,
                "code": "too_many",
                "detail": said("At most %(most)s addresses.", {"most": MOST}),
            }
        ]
    return [
        {"pointer": f"{pointer}/{index}", "code": "address_refused", "detail": f"“{address[:80]}”: {why}"}
        for index, address in enumerate(given)
        if (why := objection(address))
    ]


def _plain(address: str, longest: int) -> SplitResult | None:
    """The parts of a text that means the same to everybody who reads it; None otherwise."""
    if not address or len(address) > longest or not address.isascii() or not address.isprintable():
        return None
    if set(address) & _NEVER:
        return None
    try:
        parts = urlsplit(address)
        _host, port = parts.hostname, parts.port
    except ValueError:
        return None
    behind = parts.netloc.rpartition("@")[2].partition("]")[2]  # of an address in brackets
    return None if port == 0 or (behind and not behind.startswith(":")) else parts


def _web_objection(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        return "An address names no user and no password."
    loopback = parts.scheme == "http" and not settings.PRODUCTION and parts.hostname in LOOPBACK
    if parts.scheme != "https" and not loopback:
        return "An address begins with https."
    # An exact match: an asterisk would stand for itself, a percent sign for what a browser makes of it.
    return NO_ADDRESS if not parts.hostname or set(parts.hostname) & set("%*,;'") else ""


def _private_use_objection(address: str, parts: SplitResult, *, public: bool) -> str:
    """``com.example.app:/path``: a domain reversed, one slash, no host (RFC 8252 §7.1)."""
    if not public:
        return "Only the public client may use a scheme of its own."
    labels = parts.scheme.split(".")
    named = all(label.strip("-") == label != "" for label in labels) and labels[0][0].isalpha()
    if not named or "+" in parts.scheme or not address.startswith(f"{parts.scheme}:/") or parts.netloc:
        return "A scheme of one's own is a domain reversed, with one slash: com.example.app:/path."
    return NO_ADDRESS if address.startswith(f"{parts.scheme}://") else ""
