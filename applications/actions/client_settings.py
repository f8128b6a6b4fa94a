"""What is set on a client: where its codes go, how it proves itself, what its tokens are, and switches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from applications.actions import client_addresses, proving, scope_aliases
from applications.models import Client
from applications.models.clients import DEMANDS
from applications.policies import Stale
from iam_portal.errors import Invalid
from iam_portal.gate import Actor
from tenants.models import Tenant

NO_METHOD = "none"
METHODS = tuple(name for name, _ in Client.METHODS if name != NO_METHOD)
STRICTNESS = {name: place for place, (name, _) in enumerate(DEMANDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is to be changed; None stays. An address that is empty is taken away.

    The switches are for old integrations; the strict side is the default of each.
    """

    redirect_uris: tuple[str, ...] | None = None
    post_logout_redirect_uris: tuple[str, ...] | None = None
    web_origins: tuple[str, ...] | None = None
    authentication_method: str | None = None
    algorithm: str | None = None
    jwks_uri: str | None = None
    scope_aliases: Mapping[str, str] | None = None
    token_without_target: bool | None = None
    ignore_unknown_scopes: bool | None = None
    secret_either_way: bool | None = None
    assertion_for_token_endpoint: bool | None = None
    pkce_required: bool | None = None
    token_exchange: bool | None = None
    dpop: str | None = None
    pushed_requests: str | None = None
    backchannel_logout_uri: str | None = None


# Column, setting, and its name on the wire.
_LISTS = (
    ("redirect_uris", "redirect_uris", "redirectUris"),
    ("post_logout_redirect_uris", "post_logout_redirect_uris", "postLogoutRedirectUris"),
    ("allowed_origins", "web_origins", "webOrigins"),
)
_VALUES = (
    ("token_endpoint_auth_method", "authentication_method", "authenticationMethod"),
    ("algorithm", "algorithm", "algorithm"),
    ("client_jwks_uri", "jwks_uri", "jwksUri"),
    ("scope_aliases", "scope_aliases", "scopeAliases"),
    ("token_without_target", "token_without_target", "tokenWithoutTarget"),
    ("ignore_unknown_scopes", "ignore_unknown_scopes", "ignoreUnknownScopes"),
    ("secret_either_way", "secret_either_way", "secretEitherWay"),
    ("assertion_for_token_endpoint", "assertion_for_token_endpoint", "assertionForTokenEndpoint"),
    ("pkce_required", "pkce_required", "pkceRequired"),
    ("token_exchange", "token_exchange", "tokenExchange"),
    ("dpop", "dpop", "dpop"),
    ("pushed_requests", "pushed_requests", "pushedRequests"),
    ("backchannel_logout_uri", "backchannel_logout_uri", "backchannelLogoutUri"),
)


def change(
    *,
    tenant: Tenant,
    client_id: str,
    settings: Settings,
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> Client:
    """Change what is given. What lets more people act by the client is asked for like a credential."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        if revision is not None and revision != client.revision:
            raise Stale(
                "The client was changed meanwhile. Nothing was changed by you.",
                data={"revision": f"r-{client.revision}"},
            )
        if errors := _objections(client, settings):
            raise Invalid("Some values cannot be accepted. Nothing was changed.", errors=errors)
        before = snapshot(client)
        _set(client, settings)
        after = snapshot(client)
        changed = [name for name in after if after[name] != before[name]]
        if not changed:
            return client
        if opens(before, after):
            proving.require_becoming(client, by=by, at=at)
        client.revision += 1
        # Not the toolkit's own clean(): it knows neither ES256 nor keys in the database.
        client.clean_fields()
        client.validate_constraints()
        client.save()
        told = {"clientId": client_id, **{name: after[name] for name in changed}}
        was = {name: before[name] for name in changed}
        proving.record(client.application, "client.changed", by=by, at=at, before=was, after=told)
    return client


def snapshot(client: Client) -> dict[str, Any]:
    """The settings by their names on the wire. None of them is secret."""
    lists = {name: getattr(client, column).split() for column, _, name in _LISTS}
    return {**lists, **{name: getattr(client, column) for column, _, name in _VALUES}}


def opens(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether somebody could act by the client after the change who could not before it.

    What only takes away is open to everybody who may change clients: in an emergency nobody has to ask.
    """
    added = any(set(after[name]) - set(before[name]) for _, _, name in _LISTS)
    # Who is told of sign-outs learns who was there.
    other_keys = any(after[name] not in ("", before[name]) for name in ("jwksUri", "backchannelLogoutUri"))
    loose = (
        *("secretEitherWay", "assertionForTokenEndpoint", "tokenWithoutTarget", "ignoreUnknownScopes"),
        "tokenExchange",  # it would act in the name of whoever calls it
    )
    loosened = any(after[name] and not before[name] for name in loose)
    # Who is sent a token that opens others, too, acts there as this client: no old name may lead elsewhere.
    renamed = bool(dict(after["scopeAliases"]).items() - dict(before["scopeAliases"]).items())
    # Ignored, a name that is gone asks for whatever may be called.
    gone = after["ignoreUnknownScopes"] and after["scopeAliases"] != before["scopeAliases"]
    without_pkce = before["pkceRequired"] and not after["pkceRequired"]
    # Old credentials of the other kind would count again.
    other_method = after["authenticationMethod"] != before["authenticationMethod"]
    # What was stolen, or changed on its way, would be taken again.
    unbound = any(STRICTNESS[after[name]] < STRICTNESS[before[name]] for name in ("dpop", "pushedRequests"))
    return any((added, other_keys, loosened, renamed, gone, without_pkce, other_method, unbound))


def _set(client: Client, settings: Settings) -> None:
    for column, setting, _ in _LISTS:
        if (given := getattr(settings, setting)) is not None:
            setattr(client, column, " ".join(dict.fromkeys(given)))
    for column, setting, _ in _VALUES:
        if (given := getattr(settings, setting)) is not None:
            setattr(client, column, dict(given) if setting == "scope_aliases" else given)


def _objections(client: Client, settings: Settings) -> list[dict[str, str]]:
    """Every objection at once."""
    public = client.client_type == Client.CLIENT_PUBLIC
    errors: list[dict[str, str]] = []
    for given, pointer in (
        (settings.redirect_uris, "/redirectUris"),
        (settings.post_logout_redirect_uris, "/postLogoutRedirectUris"),
    ):
        errors += client_addresses.redirect_errors(pointer, given or (), public=public)
    errors += client_addresses.origin_errors("/webOrigins", settings.web_origins or ())
    errors += scope_aliases.errors("/scopeAliases", settings.scope_aliases or {})
    if settings.jwks_uri and (detail := client_addresses.fetch_objection(settings.jwks_uri)):
        errors.append(_error("/jwksUri", "address_refused", detail))
    if settings.backchannel_logout_uri and (
        detail := client_addresses.told_objection(settings.backchannel_logout_uri)
    ):
        errors.append(_error("/backchannelLogoutUri", "address_refused", detail))
    return errors + (_of_public(settings) if public else _of_confidential(settings))


def _of_confidential(settings: Settings) -> list[dict[str, str]]:
    if settings.authentication_method in (None, *METHODS):
        return []
    text = f"A confidential client proves itself by one of {', '.join(METHODS)}."
    return [_error("/authenticationMethod", "method_refused", text)]


def _of_public(settings: Settings) -> list[dict[str, str]]:
    """A public client proves nothing: PKCE is all that ties a code to who asked for it (RFC 9700 §2.1.1)."""
    refused = (
        ("/authenticationMethod", settings.authentication_method not in (None, NO_METHOD)),
        ("/jwksUri", bool(settings.jwks_uri)),
        ("/secretEitherWay", bool(settings.secret_either_way)),
        ("/assertionForTokenEndpoint", bool(settings.assertion_for_token_endpoint)),
        ("/tokenExchange", bool(settings.token_exchange)),
    )
    errors = [
        _error(pointer, "client_is_public", "A public client cannot prove itself.")
        for pointer, wanted in refused
        if wanted
    ]
    if settings.pkce_required is False:
        errors.append(_error("/pkceRequired", "client_is_public", "A public client always needs PKCE."))
    if settings.redirect_uris == ():
        text = "A public client is sent somewhere: name one address at least."
        errors.append(_error("/redirectUris", "address_missing", text))
    return errors


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
