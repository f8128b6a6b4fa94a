"""What a client presents with a request, before anything of it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest

from accesscontrol.oauth.clients.certificates import Proven, proven
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import BadRequest
from iam_portal.admission import Credentials, basic
from iam_portal.tracing import source_address


@dataclass(frozen=True, slots=True)
class Presented:
    """The header, the form, where they were sent, and the certificate that a proxy of ours vouches for."""

    authorization: str = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    address: Address
    certificate: Proven | None = None
    source: str = ""  # the address it comes from

    @property
    def client_id(self) -> str:
        """The parameter; empty when it was not sent."""
        return self.form.get("client_id", "")

    @property
    def named(self) -> str:
        """Whose proof it is said to be, where that is said outside of an assertion."""
        header = self.by_header()
        return header.client_id if header else self.client_id

    @property
    def assertion(self) -> str:
        """The JWT of ``client_assertion`` (RFC 7523 §2.2); empty when none was sent."""
        return self.form.get("client_assertion", "")

    @property
    def asserts(self) -> bool:
        """Whether it means to prove itself by an assertion, also where none came."""
        return bool(self.assertion or self.form.get("client_assertion_type"))

    @property
    def alone(self) -> bool:
        """Nothing besides the name, but maybe a certificate."""
        return not (self.by_header() or self.by_form() or self.asserts)

    def by_header(self) -> Credentials | None:
        """Credentials of the Authorization header; None when it is not Basic."""
        return basic(self.authorization)

    def by_form(self) -> Credentials | None:
        """Credentials in the body. An empty parameter counts as not sent (RFC 6749 §3.2)."""
        secret = self.form.get("client_secret", "")
        return Credentials(self.client_id, secret) if secret else None

    def require_one_method(self) -> None:
        """RFC 6749 §2.3: a client uses one method in each request. BadRequest for two.

        A wrong proof must not fall through to another one that is right.
        """
        header = self.by_header()
        if sum([header is not None, self.by_form() is not None, self.asserts]) > 1:
            raise BadRequest("More than one way of client authentication was used.")
        if header is not None and self.client_id not in ("", header.client_id):
            raise BadRequest("client_id is not that of the Authorization header.")


def presented(request: HttpRequest, form: Mapping[str, str], address: Address) -> Presented:
    """Of a request whose form was read (:func:`accesscontrol.oauth.wire.form`)."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    return Presented(header, form, address, proven(request), source_address(request))
