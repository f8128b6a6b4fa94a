"""Acme shares onward through beta to gamma; who holds what, and whom to ask over HTTP about an impact."""

import json
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.portal_roles import ROLE_KEYS
from tenants.models import Tenant
from tests.applications.sharing import accepted, register
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant, make_user
from tests.support.knocking import Knocker, _browser, browser, person

ROOT = "/iam/application-management/v1/tenants"


class Chain:
    """acme → beta (onward) → gamma; people and services of beta hold the role."""

    def __init__(self) -> None:
        at = datetime.now(UTC)
        self.acme, self.beta, self.gamma = (make_tenant(slug, at=at) for slug in ("acme", "beta", "gamma"))
        self.partnership = make_partners(self.acme, self.beta, at=at)
        make_partners(self.beta, self.gamma, at=at)
        self.meter = register(self.acme, "meter", at)
        self.reader = register(self.beta, "reader", at)
        at = datetime.now(UTC)
        self.contract = accepted(self.acme, self.beta, self.meter.id, at=at)
        self.further = accepted(self.beta, self.gamma, self.meter.id, at=at, type="access")
        staff = [make_user(self.beta, name, at=at) for name in ("ann", "bob")]
        team = make_group(self.beta, "Team", members=tuple(staff), at=at)
        self.give(self.beta, group_id=team.id)
        self.give(self.beta, user_id=staff[0].id)
        self.give(self.beta, principal_application_id=self.reader.id)
        self.give(self.gamma, user_id=make_user(self.gamma, "eve", at=at).id, contract_id=self.further.id)
        self.provider, self.consumer = (
            browser(tenant, person(tenant, "joe", *ROLE_KEYS)[1]) for tenant in (self.acme, self.beta)
        )

    def give(self, tenant: Tenant, **whom: Any) -> None:
        wanted = Wanted(role="viewer", application_id=self.meter.id, **whom)
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=datetime.now(UTC))

    def fork(self) -> "Chain":
        """For one test: with a row of its own."""
        forked = copy(self)
        forked.contract = copy(self.contract)
        return forked


def call(who: Knocker, method: str, address: str, body: Any = None, revision: str = "") -> HttpResponse:
    """Really done: nothing is taken back."""
    http = _browser(False)
    http.cookies.clear()
    for name, value in who.cookies.items():
        http.cookies[name] = value
    headers = {**who.headers, **({"If-Match": f'"{revision}"'} if revision else {})}
    path, _, query = address.partition("?")
    sent = b"" if method == "GET" else json.dumps(body or {})
    return http.generic(method, path, sent, "application/json", headers=headers, QUERY_STRING=query)


def of(tenant: Tenant, rest: str) -> str:
    return f"{ROOT}/{tenant.id}/{rest}"
