"""Acts the demo's story once over HTTP, with nothing but the standard library, and says what it saw."""

import base64
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Story = Mapping[str, Any]
_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON under it; an empty object when there is none."""

    status: int
    body: dict[str, Any]

    def reasons(self) -> list[str]:
        """The codes of its chain of reasons."""
        return [reason["code"] for reason in self.body.get("reasons", [])]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client and its secret."""

    client_id: str
    secret: str

    @classmethod
    def of(cls, holder: Mapping[str, str]) -> "Credentials":
        """From a part of story.json."""
        return cls(holder.get("clientId") or holder["applicationId"], holder["clientSecret"])

    @property
    def basic(self) -> str:
        pair = ":".join(urllib.parse.quote(part, safe="") for part in (self.client_id, self.secret))
        return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True, slots=True)
class Portal:
    """The doors of a running portal that the story goes through."""

    base: str

    def token(self, client: Credentials, tenant_id: str, scope: str) -> Answer:
        form = {"grant_type": "client_credentials", "scope": scope}
        return self._form(f"{self._connect(tenant_id)}/token", client, form)

    def introspect(self, client: Credentials, tenant_id: str, token: str) -> Answer:
        return self._form(f"{self._connect(tenant_id)}/token/introspect", client, {"token": token})

    def manage(self, method: str, path: str, token: str, body: Any = None, revision: str = "") -> Answer:
        """A call of application management, below its root; ``revision`` goes into ``If-Match``."""
        return self.call(method, f"/iam/application-management/v1/{path}", token, body, revision)

    def call(self, method: str, path: str, token: str, body: Any = None, revision: str = "") -> Answer:
        """Any call with JSON and a service's token."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if revision:
            headers["If-Match"] = f'"{revision}"'
        data = None if method == "GET" else json.dumps(body or {}).encode()
        return self._send(method, path, data, headers)

    def _connect(self, tenant_id: str) -> str:
        return f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect"

    def _form(self, path: str, client: Credentials, form: Mapping[str, str]) -> Answer:
        data = urllib.parse.urlencode(form).encode()
        return self._send("POST", path, data, {"Authorization": client.basic})

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        # The address is that of our own portal, never a file.
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:  # noqa: S310
                return Answer(reply.status, _json(reply.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _json(error.read()))


def run(story: Story) -> bool:
    """Act the story, print each step with a tick or a cross, leave the contract as it was: in force."""
    teller = _Teller(story)
    try:
        teller.act()
    except (OSError, KeyError) as error:
        teller.see("the portal answers as expected", False, repr(error))
    finally:
        teller.put_back()
    return teller.holds


@dataclass
class _Teller:
    """One telling of the story."""

    story: Story
    holds: bool = True
    _paused: bool = False
    _robot: str = ""
    portal: Portal = field(init=False)

    def __post_init__(self) -> None:
        self.portal = Portal(self.story["base"])
        self.target = Credentials.of(self.story["target"])
        self.caller = Credentials.of(self.story["caller"])
        self.consumer = self.story["consumer"]["tenantId"]
        self.contract = f"tenants/{self.story['provider']['tenantId']}/contracts/{self.story['contractId']}"

    def act(self) -> None:
        self._sign_in()
        self._look()
        token = self._get_token()
        self._introspect(token, active=True)
        self._pause()
        self._feel(token)
        self._resume()
        self._introspect(self._get_token(), active=True)

    def see(self, what: str, good: bool, seen: str = "") -> None:
        """Print a step; a cross makes the whole story not hold."""
        self.holds = self.holds and good
        sys.stdout.write(f"  {'✓' if good else '✗'} {what}{f': {seen}' if seen else ''}\n")
        sys.stdout.flush()

    def put_back(self) -> None:
        """After a cross in the middle the contract must not stay paused."""
        if self._paused:
            try:
                self._resume()
            except OSError as error:
                self.see("the contract is resumed", False, repr(error))

    def _sign_in(self) -> None:
        """The provider's service that acts on the portal."""
        provider = self.story["provider"]
        answer = self.portal.token(
            Credentials.of(provider["automation"]), provider["tenantId"], "aud:iam-portal"
        )
        self._robot = answer.body.get("access_token", "")
        self.see("the provider's service gets a token for the portal", answer.status == 200, _brief(answer))

    def _look(self) -> None:
        """A telling that was broken off may have left the contract paused."""
        answer = self.portal.manage("GET", self.contract, self._robot)
        state = f"{answer.body.get('state')}, in force: {answer.body.get('inForce')}"
        if answer.body.get("state") == "accepted" and not answer.body.get("inForce"):
            answer = self.portal.manage("POST", f"{self.contract}/resume", self._robot)
            state += "; resumed first"
        self.see("the contract is in force", bool(answer.body.get("inForce")), state)

    def _get_token(self) -> str:
        answer = self.portal.token(self.caller, self.consumer, f"aud:{self.target.client_id} openid")
        token = str(answer.body.get("access_token", ""))
        seen = _brief(answer) if token else json.dumps(answer.body)
        self.see("the caller gets a token for the target", answer.status == 200, seen)
        return token

    def _introspect(self, token: str, *, active: bool) -> None:
        answer = self.portal.introspect(self.target, self.consumer, token)
        seen = str(answer.body.get("active"))
        if active:
            seen += f", caller {answer.body.get('caller', {}).get('applicationId')}"
            seen += f", roles {answer.body.get('roles')}"
            good = answer.body.get("active") is True
        else:
            good = answer.body == {"active": False}
        word = "active" if active else "inactive"
        self.see(f"the target introspects it: {word}", answer.status == 200 and good, seen)

    def _pause(self) -> None:
        answer = self.portal.manage("POST", f"{self.contract}/pause", self._robot)
        self._paused = answer.status == 200
        self.see("the provider pauses the contract", self._paused, _brief(answer))

    def _feel(self, token: str) -> None:
        """The same token at once, and a new one with the reason why not."""
        self._introspect(token, active=False)
        answer = self.portal.token(self.caller, self.consumer, f"aud:{self.target.client_id} openid")
        text = str(answer.body.get("error_description", ""))
        kc5 = f"KC-5: No client match found. Invalid scopes: [aud:{self.target.client_id}]"
        good = answer.status == 400 and answer.body.get("error") == "invalid_scope" and text == kc5
        self.see("a new token is refused", good, text or str(answer.status))
        told = answer.reasons()
        texts = "; ".join(reason["text"] for reason in answer.body.get("reasons", []))
        self.see("with the reason", "contract_paused" in told, texts or "no reasons")

    def _resume(self) -> None:
        answer = self.portal.manage("POST", f"{self.contract}/resume", self._robot)
        self._paused = False
        good = answer.status == 200 and bool(answer.body.get("inForce"))
        self.see("the provider resumes it", good, _brief(answer))


def _brief(answer: Answer) -> str:
    """What is worth showing of an answer; never a token."""
    shown = {key: answer.body[key] for key in ("state", "inForce", "scope", "error") if key in answer.body}
    return f"{answer.status} {json.dumps(shown)}" if shown else str(answer.status)


def _json(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
