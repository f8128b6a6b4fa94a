"""``makemessages -l de``: gathers every text of the portal into ``templates/locale/``, alike each time."""

import ast
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.commands import makemessages

# Who gathers it, and when, is in the version control; in the file it would differ each time.
_UNSTEADY = re.compile(r'^"(POT-Creation-Date|Report-Msgid-Bugs-To): .*\\n"\n', re.MULTILINE)
_APART = ["node_modules", ".venv", "tests", "docs", "locale"]  # the last: only that of the settings
_APPS = ("iam_portal", "tenants", "applications", "accesscontrol")
_MARKS = {"_", "said", "gettext", "gettext_lazy", "ngettext"}
_SENTENCE = re.compile(r"[A-Z].* .*[.]")  # of a rule: what xgettext's own marks do not find
# What only programs, or who runs the installation, get to read.
_FOLDERS = {
    "migrations",
    "openapi",
    "management",
    "launchers",
    "api",
    "scim",
    "serializers",
    "oauth",
    "live",
    "token_service",
    "admission",
}
_FILES = {
    "authentication",
    "bodies",
    "checks",
    "colours",
    "hashers",
    "keyring",
    "limits",
    "metrics",
    "rest",
    "schema",
}
_NOT_SHOWN = _FOLDERS | _FILES | {"configuration", "settings", "wall_check", "gauges", "telemetry", "working"}
_NOT_SHOWN |= {"doctor", "unsafe_links", "unsafe_values"}


class Command(makemessages.Command):
    """Guesses nothing: what is new is empty until a person has translated it. What is gone, goes."""

    # ``said`` marks the sentences of rules, which are translated where a page shows them.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=said"]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        options["ignore_patterns"] = [*options["ignore_patterns"], *_APART]
        super().handle(*args, **options | {"no_location": True, "no_obsolete": True})

    def find_files(self, root: str) -> list[makemessages.TranslatableFile]:
        """Beside the files themselves, one with the sentences that rules refuse with, marked."""
        found: list[makemessages.TranslatableFile] = super().find_files(root)
        folder = tempfile.mkdtemp(dir=root, prefix=".sentences-")
        self._made = Path(folder) / "zz.py"
        self._made.write_text("".join(f"said({sentence!r})\n" for sentence in refusals(Path(root))))
        found.append(
            self.translatable_file_class(os.path.relpath(folder, root), "zz.py", self.locale_paths[0])
        )
        return found

    def build_potfiles(self) -> list[str]:
        """As Django does; the made file is gone afterwards."""
        try:
            made: list[str] = super().build_potfiles()
            return made
        finally:
            self._made.unlink()
            self._made.parent.rmdir()

    def write_po_file(self, potfile: str, locale: str) -> None:
        """As Django writes it, without what would change by itself."""
        super().write_po_file(potfile, locale)
        catalogue = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        catalogue.write_text(_UNSTEADY.sub("", catalogue.read_text(encoding="utf-8")), encoding="utf-8")


def refusals(root: Path) -> list[str]:
    """Whole sentences that stand in a call or a dictionary of a rule: refusals, objections, constraints."""
    found: dict[str, None] = {}
    for app in _APPS:
        for path in sorted((root / app).rglob("*.py")):
            if not {*path.relative_to(root).with_suffix("").parts} & _NOT_SHOWN:
                found |= dict.fromkeys(_sentences(ast.parse(path.read_text(encoding="utf-8"))))
    return list(found)


def _sentences(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for value in _given(node):
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(text, str) and _SENTENCE.fullmatch(text) and "%" not in text:
                yield text


def _given(node: ast.AST) -> Iterable[ast.AST | None]:
    """What the node hands on. A text that is marked is found by its mark."""
    given: list[ast.AST | None] = []
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in _MARKS:
            pass
        case ast.Call():
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
        case ast.Dict():
            given = [*node.values]
        case ast.Assign() | ast.Return():
            given = [node.value]
        case ast.IfExp():
            given = [node.body, node.orelse]
        case ast.Tuple() | ast.List():
            given = [*node.elts]
    return given
