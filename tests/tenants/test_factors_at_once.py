"""The same code from several browsers at the same moment, with real commits: it opens one of them."""

from typing import Any

from tenants.models import RecoveryCode
from tests.tenants.conftest import at_once
from tests.tenants.second_factors import Visit, acme, now_code


def test_one_code_lets_one_browser_in(committed_db: None, tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    jane = acme()
    secret, codes = jane.set_app_up()
    assert let_in(jane, codes[0]) == 1
    with jane.in_scope():
        assert RecoveryCode.objects.filter(used_at=None).count() == 9
    assert let_in(jane, now_code(secret)) == 1


def let_in(jane: Visit, code: str) -> int:
    browsers = [jane.again() for _ in range(4)]
    for browser in browsers:
        browser.password()
    at_once(*[lambda each=each: each.code(code) for each in browsers])
    return sum(browser.is_in for browser in browsers)
