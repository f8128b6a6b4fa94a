"""The two sides of the story, acting over HTTP: by their own services, with tokens of their own."""

import itertools
from dataclasses import dataclass
from typing import Any

from iam_portal.launchers.demo import Story
from iam_portal.launchers.story_check import Answer, Credentials, Portal

BACK = "http://127.0.0.1:9/back"  # nobody asks there
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Side:
    """One of the two tenants, acting by its own service with tokens of its own."""

    portal: Portal
    tenant_id: str
    automation: Credentials

    def act(self, method: str, path: str, body: Any = None, revision: str = "") -> Answer:
        token = self.new_token()
        return self.portal.manage(method, f"tenants/{self.tenant_id}/{path}", token, body, revision)

    def give_role(self, application_id: str, role: str, service: str) -> Answer:
        body = {
            "principal": {"applicationId": service},
            "role": {"applicationId": application_id, "key": role},
        }
        path = f"/iam/access-management/v1/tenants/{self.tenant_id}/assignments"
        return self.portal.call("POST", path, self.new_token(), body)

    def new_token(self) -> str:
        answer = self.portal.token(self.automation, self.tenant_id, "aud:iam-portal")
        assert answer.status == 200, answer
        return str(answer.body["access_token"])


@dataclass
class Stage:
    """Both sides, a caller of the consumer, and an application of the provider that nobody shares yet."""

    portal: Portal
    provider: Side
    consumer: Side
    caller: Credentials
    target: Credentials
    contract_id: str = ""

    def share(self, **dates: str | None) -> None:
        """Draft, propose, accept; then the consumer gives its caller the role."""
        offer = {
            "consumerTenantId": self.consumer.tenant_id,
            "type": "provision",
            "roles": [{"applicationId": self.target.client_id, "role": "viewer"}],
            **dates,
        }
        drafted = self.provider.act("POST", "contracts", offer)
        assert (drafted.status, drafted.body.get("state")) == (201, "draft"), drafted
        self.contract_id = drafted.body["contractId"]
        hidden = self.consumer.act("GET", f"contracts/{self.contract_id}")
        assert hidden.status == 404, "a draft is the provider's own affair"
        assert self.do(self.provider, "propose").body["state"] == "proposed"
        assert self.do(self.consumer, "accept").body["state"] == "accepted"
        given = self.consumer.give_role(self.target.client_id, "viewer", self.caller.client_id)
        assert given.status == 201, given

    def do(self, side: Side, verb: str, body: Any = None) -> Answer:
        path, revision = f"contracts/{self.contract_id}", ""
        if verb == "end":  # it cannot be taken back: first what it takes away
            revision = side.act("GET", f"{path}/impact?action=end").body["revision"]
        answer = side.act("POST", f"{path}/{verb}", body, revision)
        assert answer.status == 200, answer
        return answer

    def ask(self) -> Answer:
        """A token for the target."""
        return self.ask_for(self.target.client_id)

    def ask_for(self, application_id: str) -> Answer:
        """A token of the caller for any application."""
        return self.portal.token(self.caller, self.consumer.tenant_id, f"aud:{application_id} openid")

    def token(self) -> str:
        answer = self.ask()
        assert answer.status == 200, answer
        return str(answer.body["access_token"])

    def introspect(self, token: str) -> dict[str, Any]:
        return self.portal.introspect(self.target, self.consumer.tenant_id, token).body

    def assert_refused(self, code: str) -> Answer:
        """KC-5 to the letter, with this link broken first."""
        answer = self.ask()
        assert (answer.status, answer.body["error"]) == (400, "invalid_scope"), answer
        wanted = f"KC-5: No client match found. Invalid scopes: [aud:{self.target.client_id}]"
        assert answer.body["error_description"] == wanted
        assert answer.body["reason"] == "application_not_available"
        assert answer.reasons()[0] == code, answer
        return answer

    def listed(self) -> bool:
        """Whether the consumer's list of applications shows the target."""
        items = self.consumer.act("GET", "applications").body["items"]
        return self.target.client_id in [item["applicationId"] for item in items]


def sides(story: Story) -> tuple[Side, Side]:
    """The provider and the consumer."""
    portal = Portal(story["base"])
    provider, consumer = (
        Side(portal, story[name]["tenantId"], Credentials.of(story[name]["automation"]))
        for name in ("provider", "consumer")
    )
    return provider, consumer


def made_of(story: Story) -> Stage:
    """A stage for one test, with a target of its own."""
    provider, consumer = sides(story)
    return Stage(provider.portal, provider, consumer, Credentials.of(story["caller"]), registered(provider))


def registered(side: Side) -> Credentials:
    """A new application of this side with one role, and a secret for it."""
    name = f"journey-{next(_numbers)}"
    made = side.act("POST", "applications", {"name": name, "displayName": name.title()})
    assert made.status == 201, made
    application_id = made.body["applicationId"]
    permission = {"resourceType": "urn:acme:thing", "resourceId": "things", "privileges": ["read"]}
    manifest = {
        "resources": [{"type": "urn:acme:thing", "id": "things", "privileges": ["read"]}],
        "roles": [{"key": "viewer", "permissions": [permission]}],
    }
    assert side.act("PUT", f"applications/{application_id}/manifest", manifest).status == 200
    secret = side.act("POST", f"applications/{application_id}/clients/{application_id}/secrets", {})
    assert secret.status == 201, secret
    return Credentials(application_id, secret.body["clientSecret"])
