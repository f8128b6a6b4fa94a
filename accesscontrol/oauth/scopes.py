"""What a client asks for: the words of ``scope`` and ``resource``, taken apart. Pure but for the backend.

``aud:<applicationId>`` or ``resource=urn:iam:application:<applicationId>`` (RFC 8707) names a target,
``<applicationId>/<role key>`` names one too and narrows it to the role, ``openid`` asks for the roles claim.
A client may have other names for them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from oauth2_provider.scopes import BaseScopes

from applications.models.applications import PORTAL_ID

AUDIENCE = "aud:"
RESOURCE = "urn:iam:application:"
OPENID = "openid"
MOST = 100  # words; every target costs a decision
NO_ALIASES: Mapping[str, str] = MappingProxyType({})

_WORD = r"[a-z0-9][a-z0-9._-]{0,63}"
# Nothing else is echoed: RFC 6749 §5.2 forbids quotes, backslashes and non-ASCII in a description.
_ECHOED = re.compile(_WORD)
_ROLE = re.compile(f"({_WORD})/({_WORD})")


@dataclass(frozen=True, slots=True)
class Target:
    """One application that a token shall be for.

    ``named`` are the words that name it and may be echoed; ``roles`` are the keys it is narrowed to. A word
    outside the grammar is a target without an id: it exists nowhere and is not echoed.
    """

    application_id: str
    named: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    by_resource: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart. ``unknown`` are words that mean nothing here (those that may be echoed)."""

    targets: tuple[Target, ...] = ()
    openid: bool = False
    unknown: tuple[str, ...] = ()
    has_unknown: bool = False
    has_foreign_resource: bool = False
    words: int = 0

    @property
    def mixes_portal(self) -> bool:
        """Whether ``aud:iam-portal``, which stands alone, stands beside another target."""
        return len(self.targets) > 1 and any(target.application_id == PORTAL_ID for target in self.targets)


@dataclass(slots=True)
class _Collected:
    targets: dict[str, Target] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def name(self, application_id: str, word: str, *, by_resource: bool = False) -> None:
        """Add a target, or one more word for it. A word of ``scope`` outweighs one of ``resource``."""
        known = self.targets.get(application_id) or Target(application_id, by_resource=by_resource)
        named = known.named if not word or word in known.named else (*known.named, word)
        self.targets[application_id] = replace(
            known, named=named, by_resource=known.by_resource and by_resource
        )

    def narrow(self, application_id: str, key: str) -> None:
        known = self.targets[application_id]
        self.targets[application_id] = replace(known, roles=known.roles | {key})


def parse(scope: str, resources: Sequence[str], aliases: Mapping[str, str] = NO_ALIASES) -> Asked:
    """Take both parameters apart. Empty ones count as not sent (RFC 6749 §3.2).

    ``aliases`` are the client's own names for words, as its old scopes were called; what they stand for is
    taken as it is, so no name can lead to another.
    """
    said = [word for word in scope.split(" ") if word]
    words = [word for name in said[: MOST + 1] for word in aliases.get(name, "").split() or [name]]
    uris = [uri for uri in resources if uri]
    collected = _Collected()
    for word in words[:MOST]:
        _collect(word, collected)
    for uri in uris[:MOST]:
        if uri.startswith(RESOURCE):
            name = uri.removeprefix(RESOURCE)
            fits = _ECHOED.fullmatch(name) is not None
            collected.name(name if fits else "", uri if fits else "", by_resource=True)
    return Asked(
        targets=tuple(collected.targets.values()),
        openid=OPENID in words,
        unknown=tuple(word for word in collected.unknown if _ECHOED.fullmatch(word)),
        has_unknown=bool(collected.unknown),
        has_foreign_resource=any(not uri.startswith(RESOURCE) for uri in uris),
        words=len(words) + len(uris),
    )


def _collect(word: str, collected: _Collected) -> None:
    if word == OPENID:
        return
    if word.startswith(AUDIENCE):
        name = word.removeprefix(AUDIENCE)
        fits = _ECHOED.fullmatch(name) is not None
        collected.name(name if fits else "", word if fits else "")
    elif role := _ROLE.fullmatch(word):
        application_id, key = role.groups()
        collected.name(application_id, word)
        collected.narrow(application_id, key)
    elif word not in collected.unknown:
        collected.unknown.append(word)


def spelled_out(targets: Sequence[Target], *, openid: bool) -> list[str]:
    """The scopes of a grant: every audience, the roles it was narrowed to, ``openid``."""
    audiences = sorted(AUDIENCE + target.application_id for target in targets)
    roles = sorted(f"{target.application_id}/{key}" for target in targets for key in target.roles)
    return [*audiences, *roles, *([OPENID] if openid else [])]


class NoScopes(BaseScopes):
    """The toolkit's scopes backend: nothing is given by default (its own default is everything)."""

    def get_all_scopes(self) -> dict[str, str]:
        return {OPENID: "The roles held"}

    def get_available_scopes(self, *args: Any, **kwargs: Any) -> list[str]:
        return [OPENID]

    def get_default_scopes(self, *args: Any, **kwargs: Any) -> list[str]:
        return []
