"""The story of the demo: story.json for programs, and the same as text with lines of curl for people."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from applications import hashers
from applications.actions import clients
from applications.models import ClientSecret
from iam_portal.launchers.seed.contracts import STORY
from iam_portal.launchers.seed.directory import Directory
from iam_portal.launchers.seed.giving import AUTOMATION_KEY
from iam_portal.launchers.seed.people import password_of
from iam_portal.launchers.seed.roles import CALLER
from iam_portal.launchers.seed.sharing import contract_of
from iam_portal.launchers.seed.world import WORLD
from iam_portal.walls import tenant_scope

Story = dict[str, Any]
_NOTE = "the demo's story"
_NAME = "story.json"


def written(directory: Path, *, at: datetime) -> Story:
    """The story of this directory; told anew, with new secrets, when it is lost or of another database."""
    path = directory / _NAME
    story = _kept(path)
    if story is None or not _holds(story):
        story = _tell(at)
        _write(path, story)
    elif story["base"] != settings.PORTAL_BASE_URL:  # the same data at another port
        story["base"] = settings.PORTAL_BASE_URL
        _write(path, story)
    return story


def text(story: Story) -> str:
    """Address, logins, and the story as lines to copy into a shell."""
    provider, consumer = story["provider"], story["consumer"]
    platform = WORLD.companies[0]
    return _TEXT.format(
        base=story["base"],
        provider=provider,
        consumer=consumer,
        platform=platform.slug,
        operator=platform.people[0].username,
        password=password_of(platform.slug),
        automation=provider["automation"],
        target=story["target"],
        caller=story["caller"],
        contract=story["contractId"],
    )


def _kept(path: Path) -> Story | None:
    try:
        story: Story = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return story


def _holds(story: Story) -> bool:
    """Whether its contract is here and its secrets still open the doors."""
    contract = contract_of(STORY, Directory(WORLD))
    if contract is None or story.get("contractId") != str(contract.id):
        return False
    holders = [story["target"], story["caller"], story["provider"]["automation"]]
    holders.append(story["consumer"]["automation"])
    return all(
        _opens(holder.get("clientId") or holder["applicationId"], holder["clientSecret"])
        for holder in holders
    )


def _opens(client_id: str, value: str) -> bool:
    rows = ClientSecret.objects.filter(client__client_id=client_id, during__endswith__isnull=True)
    return any(
        hashers.matches(value, digest, pepper) for digest, pepper in rows.values_list("digest", "pepper")
    )


def _tell(at: datetime) -> Story:
    directory = Directory(WORLD)
    contract = contract_of(STORY, directory)
    assert contract is not None
    return {
        "base": settings.PORTAL_BASE_URL,
        "provider": _side(STORY.provider, directory, at),
        "consumer": _side(STORY.consumer, directory, at),
        "target": {
            "applicationId": STORY.app,
            "clientSecret": _secret(STORY.provider, STORY.app, directory, at),
        },
        "caller": {
            "applicationId": CALLER.service,
            "clientSecret": _secret(STORY.consumer, CALLER.service, directory, at),
        },
        "contractId": str(contract.id),
    }


def _side(slug: str, directory: Directory, at: datetime) -> dict[str, Any]:
    client_id = f"{slug}.{AUTOMATION_KEY}"
    return {
        "tenantId": str(directory.tenant(slug).id),
        "slug": slug,
        "username": directory.company(slug).people[0].username,
        "password": password_of(slug),
        "automation": {"clientId": client_id, "clientSecret": _secret(slug, client_id, directory, at)},
    }


def _secret(slug: str, client_id: str, directory: Directory, at: datetime) -> str:
    """A new secret, in place of the story's former one, whose value nobody can read again."""
    tenant, by = directory.tenant(slug), directory.administrator(slug)
    with tenant_scope(tenant.id):
        former = ClientSecret.objects.filter(client__client_id=client_id, note=_NOTE)
        for secret_id in former.filter(during__contains=at).values_list("id", flat=True):
            clients.revoke_secret(tenant=tenant, client_id=client_id, secret_id=secret_id, by=by, at=at)
        _, value = clients.add_secret(tenant=tenant, client_id=client_id, note=_NOTE, by=by, at=at)
    return value


def _write(path: Path, story: Story) -> None:
    """Readable by its owner only, from its first byte, and never half written."""
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(story, handle, indent=2)
        handle.write("\n")
    fresh.replace(path)


_TEXT = """\
Sign in at {base}
  {provider[slug]:<10} {provider[username]:<16} {provider[password]:<26} shares {target[applicationId]}
  {consumer[slug]:<10} {consumer[username]:<16} {consumer[password]:<26} uses it
  {platform:<10} {operator:<16} {password:<26} operates the platform

Applications sign its people in by OpenID Connect: {base}/iam/auth/realms/{consumer[tenantId]}

The story, to copy into a shell:

  BASE={base}
  PROVIDER={provider[tenantId]}
  CONSUMER={consumer[tenantId]}
  CONTRACT={contract}
  TARGET={target[applicationId]}:{target[clientSecret]}
  CALLER={caller[applicationId]}:{caller[clientSecret]}
  ROBOT={automation[clientId]}:{automation[clientSecret]}
  ACCESS=$BASE/iam/access-management/v1/tenants
  SHARE=$BASE/iam/application-management/v1/tenants/$PROVIDER/contracts/$CONTRACT
  token() {{ curl -s -u "$1" "$ACCESS/$2/openid-connect/token" \\
    -d grant_type=client_credentials -d "scope=aud:$3"; echo; }}
  pick() {{ sed -n 's/.*"access_token": *"\\([^"]*\\)".*/\\1/p'; }}
  introspect() {{ curl -s -u "$TARGET" "$ACCESS/$CONSUMER/openid-connect/token/introspect" \\
    -d "token=$TOKEN"; echo; }}
  contract() {{ curl -s -X POST "$SHARE/$1" -H "Authorization: Bearer $ROBOT_TOKEN" \\
    -H "Content-Type: application/json" -d "{{}}"; echo; }}

  # 1. The caller gets a token for the target; the target asks what it is worth: active.
  TOKEN=$(token "$CALLER" "$CONSUMER" "${{TARGET%%:*}} openid" | pick); introspect

  # 2. A service of the provider pauses the contract.
  ROBOT_TOKEN=$(token "$ROBOT" "$PROVIDER" iam-portal | pick); contract pause

  # 3. At once the token is worth nothing, and a new one is refused with the reason.
  introspect; token "$CALLER" "$CONSUMER" "${{TARGET%%:*}} openid"

  # 4. As it was.
  contract resume; TOKEN=$(token "$CALLER" "$CONSUMER" "${{TARGET%%:*}} openid" | pick); introspect
"""
