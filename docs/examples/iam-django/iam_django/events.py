"""The events of the application, one after the other, from a cursor that outlives the process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iam_django.acl import replaced
from iam_django.portal import Portal, PortalAway

EVENTS = "/iam/application-management/v1/application/events"
Handle = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class EventConsumer:
    """At least once, in order: the cursor moves when ``handle`` has returned for a whole page.

    ``start_over`` is called where events were missed that are kept no longer: read everything anew. One
    process follows a file.
    """

    portal: Portal
    file: Path
    handle: Handle
    start_over: Callable[[], None]
    limit: int = 100

    @property
    def position(self) -> int | None:
        """After which event it goes on; None before the first page."""
        try:
            return int(self.file.read_text())
        except (OSError, ValueError):
            return None

    def poll(self) -> int:
        """Handle one page; how many events it had. The first ever begins with what comes from now on."""
        position = self.position
        after = "latest" if position is None else position
        answer = self.portal.get(EVENTS, after=after, limit=self.limit)
        if answer.status == 410:
            # Noted after the fresh start: whoever dies in between starts over again.
            self.start_over()
            replaced(self.file, str(answer.body["resumeAfter"]))
            return 0
        if answer.status != 200:
            raise PortalAway(str(answer.status))
        if position is None:
            self.start_over()
        for event in answer.body["items"]:
            self.handle(event)
        if answer.body["next"] != position:
            replaced(self.file, str(answer.body["next"]))
        return len(answer.body["items"])
