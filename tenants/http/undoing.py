"""Taking an act back from the message that tells of it: the opposite act, by its own door and its own rules.

Nothing is remembered: the button sends what a person would type there, and whoever may not do that, or comes
after somebody else, is answered as on that page.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

MINUTE_INPUT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Undo:
    """Where the opposite act is sent, and what."""

    url: str
    fields: tuple[tuple[str, str], ...]

    def as_tag(self) -> str:
        """For ``extra_tags`` of a message; the cookie that carries it is signed."""
        return json.dumps({"url": self.url, "fields": self.fields})


def typed(moment: datetime | None) -> str | None:
    """As it is typed into a form; None where a form cannot say it: then the act is not offered back."""
    if moment is None:
        return ""
    here = timezone.localtime(moment)
    return here.strftime(MINUTE_INPUT) if (here.second, here.microsecond) == (0, 0) else None
