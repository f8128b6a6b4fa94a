"""``makemessages -l de``: gathers every text of the portal into ``templates/locale/``, alike each time."""

import re
from pathlib import Path
from typing import Any

from django.core.management.commands import makemessages

# Who gathers it, and when, is in the version control; in the file it would differ each time.
_UNSTEADY = re.compile(r'^"(POT-Creation-Date|Report-Msgid-Bugs-To): .*\\n"\n', re.MULTILINE)
_APART = ["node_modules", ".venv", "tests", "docs"]


class Command(makemessages.Command):
    """Guesses nothing: what is new is empty until a person has translated it. What is gone, goes."""

    # ``said`` marks the sentences of rules, which are translated where a page shows them.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=said"]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        options["ignore_patterns"] = [*options["ignore_patterns"], *_APART]
        super().handle(*args, **options | {"no_location": True, "no_obsolete": True})

    def write_po_file(self, potfile: str, locale: str) -> None:
        """As Django writes it, without what would change by itself."""
        super().write_po_file(potfile, locale)
        catalogue = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        catalogue.write_text(_UNSTEADY.sub("", catalogue.read_text(encoding="utf-8")), encoding="utf-8")
