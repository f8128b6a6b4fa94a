"""Tokens and introspections beside the naive model: by the long way, and by a short way that remembers."""

from datetime import timedelta
from typing import Any, ClassVar

from accesscontrol.oauth.preview import SERVICE, Wish, preview
from iam_portal.errors import NotFound
from iam_portal.walls import tenant_scope
from tests.support.comparing import Comparing
from tests.support.shortened import BothWays
from tests.support.universe import basic

TOKEN_LIFE = timedelta(seconds=300)
BASE = "/iam/access-management/v1"
Call = tuple[str, str, str]  # caller, target, the name of the tenant


class AskingTokens(Comparing):
    """Each request goes both ways, which say the same.

    One short way lives through all steps of an example, so that what it remembers of an earlier step would be
    found where it is no longer true. Calls that were once a yes are asked of it again and again.
    """

    by_short_way: ClassVar[list[int]]  # how many requests of each example it answered; set by the test

    def __init__(self) -> None:
        super().__init__()
        self.oauth = BothWays(times=2)
        self.token: Call | None = None
        self.calls: dict[Call, None] = {}  # that were once a yes, in their order

    def ask_token(self, caller: str, target: str, name: str) -> Any:
        path = f"{BASE}/tenants/{self.u.tenants[name].id}/openid-connect/token"
        form = {"grant_type": "client_credentials", "scope": f"aud:{target}"}
        return self.oauth.post(path, form, headers=basic(caller, self.u.secrets[caller]))

    def introspect(self, target: str, name: str, token: str) -> Any:
        path = f"{BASE}/tenants/{self.u.tenants[name].id}/openid-connect/token/introspect"
        headers = basic(target, self.u.secrets[target])
        return self.oauth.post(path, {"token": token}, headers=headers)

    def token_agrees(self, caller: str, target: str, name: str) -> None:
        call = caller, target, name
        body = self.reply_agrees(call, self.ask_token(*call))
        if self.model.applications[caller].life[1] is None:
            self.preview_agrees(*call)
        if body:
            self.calls[call] = None
            self.token = call
            self.value = body["access_token"]
            self.expires_at = self.at + timedelta(seconds=body["expires_in"])
            self.old_token_agrees()

    def reply_agrees(self, call: Call, answer: Any) -> dict[str, Any] | None:
        """What the model says, and with a yes its body."""
        caller, target, name = call
        if self.model.applications[caller].life[1] is not None:
            assert answer.status_code == 401
            return None
        roles = self.model.may_call(*call, self.at)
        assert answer.status_code == (200 if roles else 400), (call, answer.content)
        body: dict[str, Any] = answer.json()
        if roles:
            assert body["expires_in"] == self.expected_life(caller, target, name, roles).total_seconds()
            return body
        assert body["error"] == "invalid_scope"
        assert "KC-5" in body["error_description"] or body.get("reasons")
        return None

    def former_call_agrees(self, turn: int) -> None:
        """By the short way alone: whatever it has kept, it says what is true after the last act."""
        if self.calls:
            call = list(self.calls)[turn % len(self.calls)]
            with self.oauth.short_way_alone():
                self.reply_agrees(call, self.ask_token(*call))

    def preview_agrees(self, caller: str, target: str, name: str) -> None:
        """What an administrator is told that the token would say."""
        roles = self.model.may_call(caller, target, name, self.at)
        wish = Wish(client_id=caller, grant=SERVICE, target=target, scope="openid")
        tenant = self.u.tenants[name]
        with tenant_scope(tenant.id):
            try:
                told = preview(wish, tenant=tenant, at=self.at)
            except NotFound:
                assert not roles
                return
        assert told["granted"] == bool(roles)
        assert {self.said(urn) for urn in told.get("claims", {}).get("roles", ())} == roles

    def expected_life(self, caller: str, target: str, name: str, roles: set[tuple]) -> timedelta:
        """Until the first moment at which the call, or one of its roles, falls."""
        given = (*self.model.assignments.values(), *self.model.given.values())
        ends = {each.life[1] for each in given if each.life[1]}
        for moment in sorted({*self.model.moments(), *ends}):
            near = self.at < moment < self.at + TOKEN_LIFE
            if near and not self.model.may_call(caller, target, name, moment) >= roles:
                return moment - self.at
        return TOKEN_LIFE

    def old_token_agrees(self) -> None:
        """Introspection decides now: with the very act that takes a right away, and with the clock."""
        if self.token is None:
            return
        caller, target, name = self.token
        answer = self.introspect(target, name, self.value)
        if self.model.applications[target].life[1] is not None:
            assert answer.status_code == 401
            return
        now = self.model.may_call(caller, target, name, self.at) if self.at < self.expires_at else set()
        body = answer.json()
        assert body["active"] == bool(now), (self.token, self.at, body)
        if now:
            assert {self.said(role) for role in body["roles"]} == now
            return
        assert answer.content == b'{"active": false}'
        self.token = None

    def teardown(self) -> None:
        self.by_short_way.append(self.oauth.short.answered)
        super().teardown()
