"""Pictures of every page, wide and narrow, light and dark, and those of the README and the guides.

python -m tests.support.gallery [FOLDER]      into .screenshots by default; older pictures there go
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")

from playwright.sync_api import Browser, BrowserContext

from tests.support import browsing, gallery_company, other_provider, pictures
from tests.support.browsing import Login
from tests.support.gallery_pages import OUTSIDE, PLATFORM, Shot, pages_of
from tests.support.portal import RunningPortal

ROOT = Path(__file__).parents[2]
WIDTHS = {"wide": (1280, 800), "narrow": (390, 800)}
THEMES = ("light", "dark")
LOOKS = [(width, theme, "en") for width in WIDTHS for theme in THEMES]
BOTH_LANGUAGES = [*LOOKS, ("wide", "light", "de"), ("narrow", "dark", "de")]


def take(browser: Browser, base: str, folder: Path, logins: dict[str, Login]) -> int:
    """Every page of everybody, four times; returns how many pictures there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    count = _capture(browser, base, folder, "gate", OUTSIDE, None)
    for name, login in logins.items():
        context = browser.new_context()
        page = context.new_page()
        browsing.sign_in(page, base, login)
        shots = pages_of(page, base, login.slug, whole=name != "plain")
        state = context.storage_state()
        context.close()
        count += _capture(browser, base, folder, name, shots, state)
    return count


def take_company(browser: Browser, base: str, folder: Path, login: Login) -> int:
    """The pages of its identity provider, its directory and its signals, in both languages."""
    outside = [Shot(name, f"/t/{login.slug}/{path}") for name, path in gallery_company.OUTSIDE]
    count = _capture(browser, base, folder, "company-gate", outside, None, BOTH_LANGUAGES)
    context = browser.new_context()
    page = context.new_page()
    browsing.sign_in(page, base, login)
    shots = gallery_company.pages(page, base, login.slug)
    state = context.storage_state()
    context.close()
    return count + _capture(browser, base, folder, "company", shots, state, BOTH_LANGUAGES)


def _capture(
    browser: Browser,
    base: str,
    folder: Path,
    who: str,
    shots: list[Shot],
    state: object | None,
    looks: Sequence[tuple[str, str, str]] = LOOKS,
) -> int:
    for width, theme, language in looks:
        context = _context(browser, WIDTHS[width], theme, language, state)
        page = context.new_page()
        for shot in shots:
            page.goto(base + shot.path)
            for selector in shot.clicks:
                page.locator(selector).first.click()
                page.wait_for_timeout(300)  # a dialog is fetched, a step is loaded
            name = f"{who}-{shot.name}-{width}-{theme}"
            path = folder / f"{name}{'' if language == 'en' else f'-{language}'}.png"
            page.screenshot(path=path, full_page=not shot.clicks)
        context.close()
    return len(shots) * len(looks)


def _context(
    browser: Browser, size: tuple[int, int], theme: str, language: str, state: object | None
) -> BrowserContext:
    return browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,  # type: ignore[arg-type]  # "light" or "dark"
        locale=language,
        ignore_https_errors=True,  # the company's provider is its own authority
        timezone_id=browsing.ZONE,
        storage_state=state,  # type: ignore[arg-type]  # what another context gave
        reduced_motion="reduce",
    )


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=ROOT / ".screenshots")
    folder = arguments.parse_args().folder
    path = browsing.installed()
    if path is None or not other_provider.places():
        missing = "oidc-provider is missing (make assets)."
        print(missing if path else "Chromium is missing (Debian: chromium).", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)  # the database's own user passes through
        print("Starting the portal with its demo data")
        with RunningPortal(Path(directory), with_seed=True) as portal, browsing.chromium(path) as browser:
            logins = logins_of(portal.story)
            count = take(browser, portal.address, folder, logins)
            company = {"slug": logins["provider"].slug, "key": gallery_company.KEY}
            with other_provider.beside(portal, Path(directory), **company) as (base, issuer):
                gallery_company.furnish(portal.story, base, issuer)
                count += take_company(browser, base, folder, logins["provider"])
                drawn = pictures.draw(browser, base, logins)
    print(f"{count} pictures in {folder}, {drawn} in {pictures.PICTURES}")
    return 0


def logins_of(story: dict[str, dict[str, str]]) -> dict[str, Login]:
    """Both sides of the story, a third organization, the platform's operator, and somebody without roles."""
    provider = Login.of(story["provider"])
    return {
        "provider": provider,
        "consumer": Login.of(story["consumer"]),
        "third": Login("hansalog", "finn.petersen", "correct-horse-hansalog"),
        "operator": Login(PLATFORM, "ines.calder", f"correct-horse-{PLATFORM}"),
        "plain": Login(provider.slug, "sam.porter", provider.password),
    }


if __name__ == "__main__":
    sys.exit(main())
