"""What may take a token away, each with what gives it back: by the doors of a running portal."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import requests

from iam_portal.launchers.story_check import Credentials
from tests.support.console import Console
from tests.support.stage import Side, Stage, registered

_EITHER = None  # of no matter here
ROLE = "editor"  # the only one that the caller holds
_REVOKE = "/iam/access-management/v1/tenants/{}/openid-connect/revoke"


@dataclass(frozen=True)
class Change:
    """``tokens`` and ``introspections``: whether they are a yes from the reply to ``do`` on."""

    do: Callable[[], Any]
    undo: Callable[[], Any]
    tokens: bool | None = False
    introspections: bool | None = False


@dataclass
class Play:
    """A contract, a caller that nobody else uses, and its token; both are what they are at the moment."""

    stage: Stage
    operator: Console
    token: str = ""
    secret_id: str = ""
    assignment_id: str = ""

    def __post_init__(self) -> None:
        self.stage.caller = registered(self.stage.consumer)
        self.secret_id = self._secrets("GET")["items"][0]["secretId"]
        target = f"applications/{self.stage.target.client_id}"
        declared = self.stage.provider.act("GET", f"{target}/manifest").body
        declared["roles"].append({**declared["roles"][0], "key": ROLE})
        _done(self.stage.provider.act("PUT", f"{target}/manifest", declared))
        self.share()
        self.give()
        self.renew()

    @property
    def caller(self) -> Credentials:
        """With the secret that it has now."""
        return self.stage.caller

    def renew(self) -> None:
        """A token that was issued just now: whoever revoked the former one is done with it."""
        self.token = self.stage.token()

    def changes(self) -> dict[str, Change]:
        stage, tenant = self.stage, self.stage.consumer.tenant_id
        provider, consumer = stage.provider, stage.consumer
        called, caller = f"applications/{stage.target.client_id}", f"applications/{self.caller.client_id}"
        organization = f"organizations/{tenant}"

        def client(method: str) -> Any:
            body = {"authenticationMethod": method}
            return _done(consumer.act("PATCH", f"{caller}/clients/{self.caller.client_id}", body))

        return {
            "contract paused": Change(
                lambda: stage.do(provider, "pause"), lambda: stage.do(provider, "resume")
            ),
            "contract ended": Change(lambda: stage.do(consumer, "end"), self.share),
            "role taken out of the contract": Change(lambda: self.amend("removeRoles"), self.widen),
            "assignment withdrawn": Change(self.withdraw, self.give),
            "caller suspended": Change(
                lambda: _done(consumer.act("POST", f"{caller}/suspend", {})),
                lambda: _done(consumer.act("POST", f"{caller}/resume", {})),
            ),
            "called suspended": Change(
                lambda: _done(provider.act("POST", f"{called}/suspend", {})),
                lambda: _done(provider.act("POST", f"{called}/resume", {})),
            ),
            "organization suspended": Change(
                lambda: self.operator.call("POST", f"{organization}/suspend", {}),
                lambda: self.operator.call("POST", f"{organization}/resume", {}),
            ),
            "secret revoked": Change(self.revoke_secret, self.add_secret, introspections=_EITHER),
            "other method": Change(
                lambda: client("private_key_jwt"),
                lambda: client("client_secret_basic"),
                introspections=_EITHER,
            ),
            "token revoked": Change(self.revoke_token, self.renew, tokens=True),
        }

    def share(self) -> None:
        roles = [{"applicationId": self.stage.target.client_id, "role": key} for key in ("viewer", ROLE)]
        offer = {"consumerTenantId": self.stage.consumer.tenant_id, "type": "provision", "roles": roles}
        drafted = _done(self.stage.provider.act("POST", "contracts", offer))
        self.stage.contract_id = drafted.body["contractId"]
        self.stage.do(self.stage.provider, "propose")
        self.stage.do(self.stage.consumer, "accept")

    def amend(self, what: str) -> Any:
        roles = [{"applicationId": self.stage.target.client_id, "role": ROLE}]
        path = f"contracts/{self.stage.contract_id}/amendments"
        return _done(self.stage.provider.act("POST", path, {what: roles}))

    def widen(self) -> None:
        path = f"contracts/{self.stage.contract_id}/amendments"
        made = self.amend("addRoles").body["amendmentId"]
        _done(self.stage.consumer.act("POST", f"{path}/{made}/accept"))

    def give(self) -> None:
        given = self.stage.consumer.give_role(self.stage.target.client_id, ROLE, self.caller.client_id)
        self.assignment_id = _done(given).body["assignmentId"]

    def withdraw(self) -> None:
        self._access("DELETE", f"assignments/{self.assignment_id}")

    def revoke_secret(self) -> None:
        self._secrets("DELETE", f"/{self.secret_id}")

    def add_secret(self) -> None:
        made = self._secrets("POST")
        self.secret_id = made["secretId"]
        self.stage.caller = replace(self.caller, secret=made["clientSecret"])

    def revoke_token(self) -> None:
        url = self.stage.portal.base + _REVOKE.format(self.stage.consumer.tenant_id)
        headers = {"Authorization": self.caller.basic}
        assert requests.post(url, {"token": self.token}, headers=headers, timeout=20).ok

    def _secrets(self, method: str, one: str = "") -> dict[str, Any]:
        name = self.caller.client_id
        path = f"applications/{name}/clients/{name}/secrets{one}"
        return _done(self.stage.consumer.act(method, path)).body

    def _access(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        side: Side = self.stage.consumer
        where = f"/iam/access-management/v1/tenants/{side.tenant_id}/{path}"
        return _done(side.portal.call(method, where, side.new_token(), body)).body


def _done(answer: Any) -> Any:
    assert answer.status < 300, answer
    return answer
