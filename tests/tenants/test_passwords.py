"""What a password may be: by length and by what anybody would try, never by which signs it has."""

import pytest

from tenants import passwords
from tenants.models import Tenant, User

JANE = User(
    tenant=Tenant(slug="acme-tools", name="Acme Tools"),
    username="jane.roe",
    email="j.roe@acme.example",
    display_name="Jane Roe-Miller",
)


def objections(password: str) -> list[str]:
    try:
        passwords.give(JANE, password)
    except passwords.WeakPassword as refusal:
        return [error["code"] for error in refusal.errors]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "aaaa bbbb cccc dddd",
        "ein langer satz über jane",  # a name in a sentence is no name
        "跑得快的馬兒在草原上奔跑",
        "twelve signs",
        "x" * 900 + " and more",
    ],
)
def test_long_ones_of_any_signs_are_taken(password: str) -> None:
    assert objections(password) == []


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", ["password_too_short"]),
        ("eleven sign", ["password_too_short"]),
        ("password", ["password_too_short", "password_too_common"]),
        ("1234567890123456", ["password_too_simple"]),
        ("Qwertyuiop123456", ["password_too_simple"]),
        ("zyxwvutsrqponm", ["password_too_simple"]),
        ("aaaaaaaaaaaaaaaa", ["password_too_simple"]),
        ("abcabcabcabcab", ["password_too_simple"]),
        ("password1234", ["password_too_common"]),
        ("Jane.Roe-Miller", ["password_too_similar"]),
        ("janeroemiller1", ["password_too_similar"]),
        ("ACME-TOOLS-2026", ["password_too_similar"]),
        ("j.roe@acme.example", ["password_too_similar"]),
        ("acmeacmeacme!", ["password_too_similar"]),
        ("jane", ["password_too_short", "password_too_common", "password_too_similar"]),
    ],
)
def test_every_rule_that_is_broken_is_told(password: str, expected: list[str]) -> None:
    assert objections(password) == expected


def test_a_tenant_may_ask_for_more() -> None:
    JANE.tenant.password_length = 25
    try:
        assert objections("correct horse battery") == ["password_too_short"]
        assert objections("correct horse battery staple") == []
    finally:
        JANE.tenant.password_length = None
