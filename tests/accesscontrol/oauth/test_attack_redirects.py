"""Addresses that look like a registered one: none is taken, and nobody is sent there."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accesscontrol.models import AuthorizationCode
from applications.actions import applications, client_addresses
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import BACK, FRONTEND, METER, Person, arrive
from tests.support.factories import SYSTEM

REGISTERED = "https://meter.example/back?from=iam"
HOST, EVIL = "meter.example", "evil.example"
MUTATIONS = (
    # scheme
    "http://meter.example/back?from=iam", "HTTPS://meter.example/back?from=iam",
    "Https://meter.example/back?from=iam", "ftp://meter.example/back?from=iam",
    "javascript://meter.example/back?from=iam", "javascript:alert(1)", "data:text/html,x",
    "//meter.example/back?from=iam", "meter.example/back?from=iam", "/back?from=iam",
    "https:/meter.example/back?from=iam", "https:///meter.example/back?from=iam",
    "https:meter.example/back?from=iam", "https//meter.example/back?from=iam",
    "view-source:https://meter.example/back?from=iam", "com.example.app:/back?from=iam",
    "intent://meter.example/back?from=iam",
    # host
    "https://METER.example/back?from=iam", "https://Meter.Example/back?from=iam",
    "https://meter.example./back?from=iam", "https://.meter.example/back?from=iam",
    "https://www.meter.example/back?from=iam", "https://meter.example.evil.example/back?from=iam",
    "https://evilmeter.example/back?from=iam", "https://meter.exampl/back?from=iam",
    "https://meter.examples/back?from=iam", "https://evil.example/back?from=iam",
    "https://evil.example/meter.example/back?from=iam", "https://meter-example/back?from=iam",
    "https://meter%2Eexample/back?from=iam", "https://meter.example%2F.evil.example/back?from=iam",
    "https://meter.example%00.evil.example/back?from=iam", "https://[::ffff:7f00:1]/back?from=iam",
    "https://127.0.0.1/back?from=iam", "https://localhost/back?from=iam", "https:///back?from=iam",
    "https://*.example/back?from=iam",
    # letters that look alike, or that a reader folds
    "https://metеr.example/back?from=iam", "https://ｍeter.example/back?from=iam",
    "https://meter。example/back?from=iam", "https://meter․example/back?from=iam",
    "https://xn--metr-qdd.example/back?from=iam", "https://meter.examplе/back?from=iam",
    "https://meter.example／back?from=iam", "https://meter.example/bаck?from=iam",
    "https://meter.example/back？from=iam", "https://meter.example\u200b/back?from=iam",
    "https://\u202emeter.example/back?from=iam", "https://ⓜeter.example/back?from=iam",
    "https://meter.example/ſack?from=iam", "https://meter.example/back?from=ıam",
    # port
    "https://meter.example:443/back?from=iam", "https://meter.example:/back?from=iam",
    "https://meter.example:8443/back?from=iam", "https://meter.example:0443/back?from=iam",
    "https://meter.example:80/back?from=iam", "https://meter.example:65536/back?from=iam",
    "https://meter.example:x/back?from=iam", "https://meter.example:443@evil.example/back?from=iam",
    # user
    "https://meter.example@evil.example/back?from=iam", "https://user@meter.example/back?from=iam",
    "https://user:pass@meter.example/back?from=iam", "https://@meter.example/back?from=iam",
    "https://evil.example@meter.example/back?from=iam",
    "https://meter.example%40evil.example/back?from=iam",
    "https://evil.example%23@meter.example/back?from=iam",
    # path
    "https://meter.example/back/?from=iam", "https://meter.example/Back?from=iam",
    "https://meter.example//back?from=iam", "https://meter.example/back/../back?from=iam",
    "https://meter.example/./back?from=iam", "https://meter.example/x/../back?from=iam",
    "https://meter.example/../back?from=iam", "https://meter.example/%2e%2e/back?from=iam",
    "https://meter.example/back%2F?from=iam", "https://meter.example/back%2F..%2Fopen?from=iam",
    "https://meter.example/back/..;/open?from=iam", "https://meter.example/back;x?from=iam",
    "https://meter.example/%62ack?from=iam", "https://meter.example/back.html?from=iam",
    "https://meter.example/backdoor?from=iam", "https://meter.example/bac?from=iam",
    "https://meter.example/?from=iam", "https://meter.example?from=iam",
    "https://meter.example/open/back?from=iam",
    # query and fragment
    "https://meter.example/back", "https://meter.example/back?", "https://meter.example/back?from=iam&",
    "https://meter.example/back?from=iam&code=x", "https://meter.example/back?code=x&from=iam",
    "https://meter.example/back?from=iam&from=iam", "https://meter.example/back?from=iAm",
    "https://meter.example/back?from=%69am", "https://meter.example/back?from=iam&to=https://evil.example",
    "https://meter.example/back?from=iam#", "https://meter.example/back?from=iam#x",
    "https://meter.example/back#?from=iam", "https://meter.example/back?from=iam%23x",
    "https://meter.example/back?from=iam;x=1", "https://meter.example/back?from+=iam",
    # backslash, whitespace, controls, and what a splitter would split at
    "https:\\\\meter.example\\back?from=iam", "https://meter.example\\@evil.example/back?from=iam",
    "https://evil.example\\.meter.example/back?from=iam", " https://meter.example/back?from=iam",
    "https://meter.example/back?from=iam ", "https://meter.example /back?from=iam",
    "https://meter.example/back?from=iam\t", "\thttps://meter.example/back?from=iam",
    "https://meter.example/back?from=iam\n",
    "https://meter.example/back?from=iam\r\nLocation: https://evil.example",
    "https://meter.example/back?from=iam\r\n\r\n<script>", "https://meter.example/back?from=iam\0",
    "https://meter.example/back\0?from=iam", "https://me\tter.example/back?from=iam",
    "https://meter.example/back?from=iam\x0b", "https://meter.example/back?from=iam\x85",
    "https://meter.example/back?from=iam\u2028", "https://meter.example/back?from=iam https://evil.example",
    "https://evil.example https://meter.example/back?from=iam",
    "https://meter.example/back?from=iam,https://evil.example", "'https://meter.example/back?from=iam'",
    "<https://meter.example/back?from=iam>",
    # encoded as a whole, or once too often
    quote(REGISTERED, safe=""), quote(REGISTERED), REGISTERED + "%20", "%20" + REGISTERED,
    REGISTERED + "%00", REGISTERED + "%0d%0a", "*", "https://*", "https://meter.example/*", "null",
    "undefined", "urn:ietf:wg:oauth:2.0:oob", REGISTERED * 2, REGISTERED + "x" * 100_000,
)  # fmt: skip


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    shared.set_client(METER, redirect_uris=f"https://meter.example/open {REGISTERED}")
    person.sign_in()
    return person


def codes(jane: Person) -> int:
    return len(jane.rows(AuthorizationCode.objects))


def test_a_hundred_and_more_addresses_that_are_not_the_registered_one(jane: Person) -> None:
    """Signed in, not signed in, and with every prompt that could lead on: a page, and never a redirect."""
    assert len(set(MUTATIONS) - {REGISTERED}) == len(MUTATIONS) >= 100
    assert jane.authorize(redirect_uri=REGISTERED).status_code == 302
    stranger = Person(jane.world, jane.user)
    before = codes(jane)
    for place, address in enumerate(MUTATIONS):
        more: dict[str, Any] = ({}, {"prompt": "none"}, {"prompt": "login"}, {"response_type": "token"})[
            place % 4
        ]
        for who in (jane, stranger):
            page = who.authorize(redirect_uri=address, **more)
            assert page.status_code == 400, address
            assert "Location" not in page, address
            assert EVIL not in page.content.decode(), address
    assert codes(jane) == before


def test_the_token_endpoint_compares_as_exactly(jane: Person) -> None:
    code = jane.code(redirect_uri=REGISTERED)
    for address in MUTATIONS[::4]:
        refused = jane.exchange(code, redirect_uri=address)
        assert refused.status_code == 400, address
        assert refused.json()["error"] in ("invalid_grant", "invalid_request"), address
    assert jane.exchange(code, redirect_uri=REGISTERED).status_code == 200


def test_signing_out_leads_nowhere_else(jane: Person) -> None:
    jane.world.set_client(METER, post_logout_redirect_uris=REGISTERED)
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/logout"
    for place, address in enumerate(MUTATIONS):
        browser = (jane.browser, jane.world.browser)[place % 2]
        query = urlencode({"client_id": METER, "post_logout_redirect_uri": address})
        page = browser.get(f"{path}?{query}")
        assert (page.status_code, "Location" in page) == (400, False), address
    assert "code" in jane.authorize(redirect_uri=REGISTERED)["Location"]  # nobody was signed out


@pytest.mark.parametrize("public", [True, False])
def test_what_may_not_even_be_registered(public: bool) -> None:
    """RFC 6749 §3.1.2, RFC 9700 §2.6: absolute, https, no fragment; nothing that reads in two ways."""
    fine = {
        address for address in MUTATIONS if not client_addresses.redirect_objection(address, public=public)
    }
    for address in fine:
        parts = urlsplit(address)
        assert address.isascii() and address.isprintable(), address
        assert "#" not in address and "@" not in parts.netloc and "\\" not in address, address
        if parts.scheme == "https":
            assert parts.hostname, address
        elif parts.scheme == "com.example.app":
            assert public, address
        else:
            assert parts.hostname in ("localhost", "127.0.0.1"), address


def test_a_retired_applications_address_is_nobodys(jane: Person) -> None:
    """Its domain may be somebody else's by now."""
    world = jane.world
    world.application(world.globex, "old")
    world.set_client("globex.old", redirect_uris="https://old.example/back")
    sent = {"redirect_uri": "https://old.example/back"}
    assert jane.authorize("globex.old", **sent)["Location"].startswith("https://old.example/back")
    applications.retire(
        tenant=world.globex, application_id="globex.old", by=SYSTEM, at=world.clock.forward(seconds=1)
    )
    for more in ({}, {"response_type": "x"}, {"prompt": "none"}):
        page = jane.authorize("globex.old", **sent, **more)
        assert (page.status_code, "Location" in page) == (400, False)


WRONG = ({"response_type": "x"}, {"scope": "openid nonsense"}, {"code_challenge": None}, {"nonce": "n" * 256})


@pytest.mark.parametrize("wrong", WRONG)
def test_nobody_is_sent_on_before_he_has_signed_in(jane: Person, wrong: dict[str, Any]) -> None:
    """RFC 9700 §4.11.2: a link to us with a mistake in it would lead to whatever a client registered."""
    stranger = Person(jane.world, jane.user)
    for prompt in ({}, {"prompt": "login"}, {"prompt": "consent"}):
        reply = stranger.authorize(redirect_uri=REGISTERED, **{**prompt, **wrong})
        assert reply["Location"].startswith(f"/t/{jane.tenant.slug}/sign-in?"), prompt
    # Who is signed in is told to the application at once, and silence is never broken.
    assert "error=" in jane.authorize(redirect_uri=REGISTERED, **wrong)["Location"]
    silent = stranger.authorize(redirect_uri=REGISTERED, **{**wrong, "prompt": "none"})
    assert silent["Location"].startswith(REGISTERED)


def test_nobody_is_sent_by_itself_to_an_application_that_is_not_his(jane: Person) -> None:
    """Registered by the administrator of another organization, for whatever it wants."""
    jane.world.set_client("neighbour.meter", redirect_uris="https://evil.example/")
    for wrong in ({}, *WRONG):
        page = jane.authorize("neighbour.meter", redirect_uri="https://evil.example/", **wrong)
        assert (page.status_code, "Location" in page) == (403, False)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Requests near the good one, and far from it."""
    word = st.text(max_size=12)
    values = {
        "client_id": st.sampled_from([METER, FRONTEND, "globex.reader", "neighbour.meter", ""]) | word,
        "redirect_uri": st.sampled_from([REGISTERED, BACK, "https://meter.example/app", *MUTATIONS[:60]])
        | word,
        "response_type": st.sampled_from(["code", "token", "code id_token", ""]) | word,
        "response_mode": st.sampled_from(["query", "fragment", "form_post", "web_message", ""]),
        "scope": st.sampled_from(["openid", "", f"openid aud:{METER}", "aud:x"]) | word,
        "state": word,
        "nonce": word,
        "prompt": st.sampled_from(["none", "login", "none login", "consent", ""]) | word,
        "max_age": st.sampled_from(["0", "-1", "9" * 30, ""]) | word,
        "id_token_hint": word,
        "resource": st.lists(word, max_size=2),
        "request_uri": word,
        "iam_asked": word,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(values)), max_size=6))
    return {name: draw(values[name]) for name in chosen}


def test_random_requests_lead_to_registered_addresses_or_to_our_own(jane: Person) -> None:
    ours = f"/t/{jane.tenant.slug}/sign-in"
    registered = {
        METER: {"https://meter.example/open", "https://meter.example/back"},
        FRONTEND: {"https://meter.example/app"},
    }
    stranger = Person(jane.world, jane.user)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(requests())
    def ask(sent: dict[str, Any]) -> None:
        for who in (jane, stranger):
            reply = who.authorize(**{"redirect_uri": REGISTERED, **sent})
            assert reply.status_code in (302, 400, 403), sent
            if reply.status_code == 302:
                where = urlsplit(reply["Location"])
                if where.netloc or where.scheme:
                    sent_to = f"{where.scheme}://{where.netloc}{where.path}"
                    assert sent_to in registered[sent.get("client_id", METER)], sent
                    assert not where.fragment, sent
                else:
                    assert where.path == ours, sent

    ask()
