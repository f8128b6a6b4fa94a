"""One request to the token endpoint, from the authenticated client to the decided grant (client_credentials).

The order is that of the agreement: authenticate; refuse words that are wrong whoever says them; has the
caller a part in the tenant (if not: the bare KC-5 body); decide; tell why only to who may know.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest

from accesscontrol.oauth import decision, metrics, refusals, tokens
from accesscontrol.oauth import scopes as words
from accesscontrol.oauth.claims import Bearer, Grant, access_token, issuer, scope_tenants, seconds
from accesscontrol.oauth.clients import Presented, possession
from accesscontrol.oauth.clients.possession import Proof
from accesscontrol.oauth.decision import Ruling
from accesscontrol.oauth.realms import NOBODY, Address, by_id, has_part
from accesscontrol.oauth.scopes import Asked, Target
from applications import usage
from applications.availability import available
from applications.models import Application, Client, ServiceAccount
from iam_portal.walls import tenant_scope
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant


@dataclass(slots=True)
class Exchange:
    """Everything of ours about one token request. It is the single attribute ``request.iam``.

    Every form parameter becomes an attribute of oauthlib's request; none of them reaches this object.
    """

    at: datetime
    address: Address
    presented: Presented
    origin: tuple[str, str] = ("", "")  # request id and source address, for history
    request: HttpRequest | None = field(default=None, repr=False)  # for the proof of a key alone
    client: Client | None = None
    thumbprint: str | None = None  # of the certificate that the token is bound to
    proof: Proof | None = None  # of the key that it is bound to (RFC 9449)
    bearer: Bearer | None = None
    grant: Grant | None = None
    jti: str = field(default_factory=lambda: uuid4().hex)

    @property
    def expires_in(self) -> int:
        """Whole seconds from ``iat`` to ``exp``."""
        assert self.grant is not None
        return seconds(self.grant.expires_at) - seconds(self.at)

    def tenant(self, form: Mapping[str, str]) -> Tenant | None:
        """The tenant of the address; where it names none, the form's, else the one that owns the client."""
        assert self.client is not None
        if not self.address.is_open:
            return self.address.find()
        return by_id(form.get("tenant_id") or str(self.client.application.owner_id))

    def proves(self, confirmation: object) -> bool:
        """Whether what a token is bound to (its ``cnf``) is shown with this request; true without one."""
        if confirmation is None:
            return True
        if not isinstance(confirmation, dict) or not confirmation:
            return False
        shown = self.presented.certificate
        has = {"x5t#S256": shown and shown.thumbprint, "jkt": self.key}
        return all(isinstance(value, str) and value == has.get(name) for name, value in confirmation.items())

    @property
    def key(self) -> str | None:
        """The thumbprint of the key that was proved."""
        return self.proof.thumbprint if self.proof else None

    @property
    def token_type(self) -> str:
        """RFC 6750 §4, RFC 9449 §5."""
        return "DPoP" if self.proof else "Bearer"

    def use_proof(self) -> None:
        """Once for all that is given; refused for a proof that something was given for already."""
        if self.proof is not None:
            possession.use_up(self.proof)

    def token(self) -> str:
        """The signed token of the decided grant."""
        assert self.client is not None
        assert self.bearer is not None
        assert self.grant is not None
        claims = access_token(
            issuer=issuer(settings.PORTAL_BASE_URL, self.bearer.tenant_id),
            bearer=self.bearer,
            grant=self.grant,
            issued_at=self.at,
            jti=self.jti,
            thumbprint=self.thumbprint,
            key=self.key,
        )
        return tokens.sign(claims, at=self.at, algorithm=self.client.algorithm)


def decide(exchange: Exchange, *, scope: str, resources: Sequence[str], form: Mapping[str, str]) -> list[str]:
    """Decide client credentials; the granted scopes, or a refusal as an OAuth error."""
    client = exchange.client
    assert client is not None
    asked = understood(client, scope, resources)
    tenant = exchange.tenant(form)
    with tenant_scope(tenant.id if tenant else NOBODY):
        # An unknown tenant takes the same way, so that the clock does not tell it from a foreign one.
        part = has_part(client.application, tenant.id if tenant else NOBODY)
        if tenant is None or not part:
            raise _refused([], asked, None)
        told = str(client.application.owner_id)
        granted = settled(client.application, tenant, asked, told=told, at=exchange.at)
        account, _ = ServiceAccount.objects.get_or_create(application=client.application, tenant=tenant)
    exchange.use_proof()
    exchange.grant = grant_of(granted, asked, str(tenant.id))
    exchange.bearer = Bearer(
        subject=str(account.id),
        client_id=client.client_id,
        tenant_id=str(tenant.id),
        tenant_name=tenant.name,
    )
    for ruling in granted:
        usage.note(uses(ruling, client.application_id, str(tenant.id), exchange.at), at=exchange.at)
    return list(exchange.grant.scopes)


def understood(client: Client, scope: str, resources: Sequence[str]) -> Asked:
    """What the words ask for; refused is what is wrong with them in every tenant."""
    asked = words.parse(scope, resources, aliases=client.scope_aliases)
    _refuse_wrong_words(asked, client)
    return asked


def uses(ruling: Ruling, caller_id: str, tenant_id: str, at: datetime) -> Iterator[usage.Use]:
    """By which contracts the token was granted: those of its roles. None: the tenant owns the target.

    Found while it is read, by the note that lets no fault of it reach the token.
    """
    roles = ruling.call.roles
    contracts: set[str | None] = {contract_id for role in roles for contract_id in role.by_contracts}
    if ruling.facts is not None and any(role.relation == "tenant" for role in roles):
        # A role of the tenant's own making rests on all by which the target is there.
        here = available(ruling.facts.target, tenant_id=tenant_id, at=at)
        contracts |= {way.contract_id for way in here.holding if way.relation == "provision"}
    target_id = ruling.target.application_id
    for contract_id in contracts or {None}:
        yield usage.Use(contract_id, tenant_id, caller_id, target_id)


def _refuse_wrong_words(asked: Asked, client: Client) -> None:
    """What is wrong for every client and in every tenant, and so tells nothing about one."""
    if asked.words > words.MOST:
        raise refusals.ScopeRefused("invalid_scope", f"At most {words.MOST} scopes.")
    if asked.has_foreign_resource:
        text = f"A resource is written {words.RESOURCE}<applicationId>."
        raise refusals.ScopeRefused("invalid_target", text)
    if asked.has_unknown and not client.ignore_unknown_scopes:
        text = f"Unknown scopes: [{', '.join(asked.unknown)}]"
        raise refusals.ScopeRefused("invalid_scope", text)
    if asked.mixes_portal:
        raise refusals.ScopeRefused("invalid_scope", "The audience iam-portal stands alone.")
    if not asked.targets and not client.token_without_target:
        text = f"This client has to name a target: {words.AUDIENCE}<applicationId>."
        raise refusals.ScopeRefused("invalid_scope", text)


def settled(caller: Application, tenant: Tenant, asked: Asked, *, told: str, at: datetime) -> list[Ruling]:
    """The targets of the token: all that were named, or whichever may be called when none was.

    ``told`` is the tenant that hears the answer: why not is said as far as that one may know. Writes nothing.
    """
    with metrics.deciding("token"):
        targets, facts = decision.facts_for(caller, asked.targets, tenant_id=tenant.id)
        rulings = decision.rule(targets, facts, at=at, limit=at + lifetime(tenant, Lifetime.ACCESS_TOKEN))
    refused = [ruling for ruling in rulings if not ruling.call]
    allowed = granted(rulings, asked)
    if not allowed:
        said = decision.disclosure(refused, tenant_id=str(tenant.id), home_id=told, at=at)
        raise _refused(refused, asked, said)
    return allowed


def granted(rulings: Sequence[Ruling], asked: Asked) -> list[Ruling]:
    """Those that the token is for: all that were named or none; without names, whichever may be called."""
    allowed = [ruling for ruling in rulings if ruling.call]
    return [] if asked.targets and len(allowed) < len(rulings) else allowed


def _refused(
    refused: Sequence[Ruling], asked: Asked, told: refusals.Disclosure | None
) -> refusals.ScopeRefused:
    """Only the failing words are listed; an outsider (nothing was decided) reads all of his own."""
    if not asked.targets:
        return refusals.nothing_to_call(told)
    failing: Sequence[Target] = [ruling.target for ruling in refused] or asked.targets
    echoed = [word for ruling in refused for word in ruling.failing]
    if not refused:
        echoed = [word for target in failing for word in target.named]
    by_resource = all(target.by_resource for target in failing)
    return refusals.target_refused(echoed, by_resource=by_resource, disclosure=told)


def grant_of(rulings: Sequence[Ruling], asked: Asked, tenant_id: str) -> Grant:
    """What the token says of these targets."""
    roles = [role for ruling in rulings for role in ruling.call.roles]
    listed = asked.openid and len(rulings) == 1  # roles of several targets would not tell whose they are
    return Grant(
        audience=[ruling.target.application_id for ruling in rulings],
        scopes=words.spelled_out([ruling.target for ruling in rulings], openid=asked.openid),
        roles=sorted({role.urn for role in roles}) if listed else None,
        scope_tenants=scope_tenants(roles, tenant_id=tenant_id),
        expires_at=min(ruling.until for ruling in rulings),
    )
