"""What a browser test watches besides its own steps: errors on the console, the policy, accessibility."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2; off by default
    "resultTypes": ["violations"],
}
# All that a theme can change: it is colours and nothing else.
_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
_TELL = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
# The document itself came with this status, which the tests ask for.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"


class Watch:
    """Collects what must not happen in any page of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self.troubles: list[str] = []
        self._examined: set[str] = set()
        context.add_init_script(_TELL)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.troubles.append(str(error.error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_EXPECTED):
            self.troubles.append(f"{message.page.url if message.page else ''}: {message.text}")

    def examine(self, page: Page) -> None:
        """axe's rules of WCAG 2.2 AA over what is shown now, light and dark."""
        for theme, rules in (("light", _RULES), ("dark", _COLOURS)):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.wait_for_function("theme => document.documentElement.dataset.bsTheme === theme", arg=theme)
            for violation in _axe(page, rules):
                nodes = "; ".join(" ".join(map(str, node["target"])) for node in violation["nodes"][:4])
                summary = violation["nodes"][0]["failureSummary"].replace("\n", " ")
                self.troubles.append(f"{page.url} {theme}: {violation['id']} at {nodes}: {summary}")
        page.emulate_media(color_scheme="light", reduced_motion="reduce")

    def assert_calm(self) -> None:
        """Nothing of it happened."""
        assert not self.troubles, "\n".join(["", *self.troubles])


def _axe(page: Page, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """By the debugger, which the page's policy does not bind: the policy stays as it is."""
    session = page.context.new_cdp_session(page)
    try:
        there = session.send("Runtime.evaluate", {"expression": "'axe' in window", "returnByValue": True})
        if not there["result"]["value"]:
            session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        call = f"axe.run(document, {json.dumps(rules)}).then(found => found.violations)"
        wanted = {"expression": call, "awaitPromise": True, "returnByValue": True}
        answer = session.send("Runtime.evaluate", wanted)
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer
    violations: list[dict[str, Any]] = answer["result"]["value"]
    return violations
