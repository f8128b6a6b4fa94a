"""Sign-ins to an application, told to the portal and to a naive model at once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from applications.actions import pauses
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.actions import sessions, users
from tenants.models import UserSession
from tests.accesscontrol.oauth.people import METER, Person
from tests.support.factories import SYSTEM

ONLINE_IDLE, OFFLINE_IDLE, SESSION_IDLE = timedelta(minutes=10), timedelta(days=1), timedelta(hours=1)
TOKEN, CODE = timedelta(seconds=300), timedelta(seconds=60)


@dataclass
class Browser:
    """A session, as the model has it."""

    ends_at: datetime
    seen_at: datetime
    ended: bool = False

    def goes_on(self, at: datetime) -> bool:
        return not self.ended and at < self.ends_at


@dataclass
class Family:
    """What came of one code: its turns, the last is current; and access tokens with end and revocation."""

    browser: Browser | None  # none: offline
    used_at: datetime
    refresh: list[str] = field(default_factory=list)
    access: list[list[Any]] = field(default_factory=list)
    ended: bool = False

    def lives(self, at: datetime) -> bool:
        if self.ended:
            return False
        if self.browser is None:
            return self.used_at > at - OFFLINE_IDLE
        return self.browser.goes_on(at) and self.used_at > at - ONLINE_IDLE


@dataclass
class Code:
    value: str
    browser: Browser
    offline: bool
    ends_at: datetime
    used: bool = False
    family: Family | None = None


class Story:
    """The portal and the model, side by side."""

    def __init__(self, jane: Person) -> None:
        self.jane, self.clock = jane, jane.world.clock
        self.active, self.shared = True, True
        self.browsers: list[Browser] = []
        self.codes: list[Code] = []
        self.families: list[Family] = []
        self.do_sign_in(0)

    @property
    def at(self) -> datetime:
        return self.clock.at

    @property
    def available(self) -> bool:
        return self.active and self.shared

    # --- acts -----------------------------------------------------------------------------------------

    def do_sign_in(self, _: int) -> None:
        if not self.active:
            return
        self.jane.browser.cookies.clear()
        self.jane.sign_in()
        with tenant_scope(self.jane.tenant.id):
            ends_at = UserSession.objects.filter(user=self.jane.user).order_by("-created_at")[0].expires_at
        self.browsers.append(Browser(ends_at, self.at))

    def do_authorize(self, number: int) -> None:
        browser, offline = self.browsers[-1], number % 2 == 1
        scope = "openid offline_access" if offline else "openid"
        reply = self.jane.authorize(scope=scope)
        present = self.active and browser.goes_on(self.at) and browser.seen_at > self.at - SESSION_IDLE
        if not present:
            assert "/sign-in" in reply["Location"]
            return
        if self.at - browser.seen_at >= timedelta(minutes=1):
            browser.seen_at = self.at
        assert reply.status_code == (302 if self.shared else 403)
        if self.shared:
            value = reply["Location"].partition("code=")[2].partition("&")[0]
            self.codes.append(Code(value, browser, offline, self.at + CODE))

    def do_redeem(self, number: int) -> None:
        if not self.codes:
            return
        code = self.codes[-1 - number % len(self.codes)]
        reply = self.jane.exchange(code.value)
        if code.used:
            if code.family is not None:
                code.family.ended = True
        elif self.at < code.ends_at and code.browser.goes_on(self.at):
            code.used = True
            if self.available:
                code.family = Family(None if code.offline else code.browser, self.at)
                self.families.append(code.family)
                self.given(code.family, reply)
                return
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")

    def do_refresh(self, number: int) -> None:
        self.turn(number, -1)

    def do_reuse(self, number: int) -> None:
        self.turn(number, 0)

    def turn(self, number: int, which: int) -> None:
        if not self.families:
            return
        family = self.families[number % len(self.families)]
        current = which == -1 or len(family.refresh) == 1
        reply = self.jane.refresh(family.refresh[which])
        if current and family.lives(self.at) and self.available:
            family.used_at = self.at
            self.given(family, reply)
            return
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")
        family.ended |= not current

    def given(self, family: Family, reply: Any) -> None:
        assert reply.status_code == 200, reply.content
        body = reply.json()
        family.refresh.append(body["refresh_token"])
        family.access.append([body["access_token"], self.at + TOKEN, False])

    def do_revoke(self, number: int) -> None:
        """Of a refresh token, used or not, or of an access token."""
        if not self.families:
            return
        family = self.families[number % len(self.families)]
        by_refresh = number % 3 != 0
        path = f"/iam/auth/realms/{self.jane.tenant.id}/protocol/openid-connect/revoke"
        token = family.refresh[0] if by_refresh else family.access[-1][0]
        assert self.jane.world.post(path, METER, {"token": token}).status_code == 200
        if by_refresh:
            family.ended = True
        else:
            family.access[-1][2] = True

    def do_sign_out(self, _: int) -> None:
        with tenant_scope(self.jane.tenant.id):
            for session in UserSession.objects.filter(user=self.jane.user, ended_at=None).select_related(
                "user"
            ):
                sessions.sign_out(session=session, by=SYSTEM, at=self.at)
        for browser in self.browsers:
            browser.ended = True

    def do_deactivate(self, _: int) -> None:
        act = users.deactivate if self.active else users.reactivate
        with tenant_scope(self.jane.tenant.id):
            act(tenant=self.jane.tenant, user_id=self.jane.user.pk, by=SYSTEM, at=self.at)
        if self.active:
            for each in (*self.browsers, *self.families):
                each.ended = True
        self.active = not self.active

    def do_pause(self, _: int) -> None:
        contract = Contract.objects.get(consumer=self.jane.tenant, provider=self.jane.world.acme)
        act = pauses.pause if self.shared else pauses.resume
        act(tenant=self.jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=self.at)
        self.shared = not self.shared

    # --- what both say ----------------------------------------------------------------------------------

    def look(self, *, everywhere: bool = False) -> None:
        for family in self.families if everywhere else self.families[-1:]:
            good = family.lives(self.at) and self.available
            for token, ends_at, revoked in family.access if everywhere else family.access[-1:]:
                wanted = good and self.at < ends_at and not revoked
                assert self.introspected(token) == wanted
                assert self.greeted(token) == wanted
            for place, token in enumerate(family.refresh):
                current = place == len(family.refresh) - 1
                if everywhere or current:
                    assert self.introspected(token) == (good and current)

    def introspected(self, token: str) -> bool:
        found: bool = self.jane.world.introspect(METER, self.jane.tenant, token).json()["active"]
        return found

    def greeted(self, token: str) -> bool:
        path = f"/iam/auth/realms/{self.jane.tenant.id}/protocol/openid-connect/userinfo"
        reply = self.jane.world.browser.get(path, headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code in (200, 401)
        return bool(reply.status_code == 200)
