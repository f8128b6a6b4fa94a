"""A manifest as somebody sent it: what it would change and take away, and done against what was shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from applications import declared
from applications.actions import manifests, superseding
from applications.manifest import Diff, parse
from applications.models import Application
from applications.policies import own_application
from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from tenants.impact import Act, carry_out, foresee, looking
from tenants.models import Tenant


class ManifestChanged(DomainError):
    """Somebody declared since the caller looked. ``data`` carries the revision as it is now."""

    code = "manifest_changed"
    kind = Kind.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A declaration as it was sent. ``relies_on``: the revision of a manifest or of an impact, or nothing.

    ``needs_impact``: what takes something away needs the revision of what was shown.
    """

    tenant: Tenant
    application_id: str
    body: dict[str, Any]
    by: Actor
    at: datetime
    relies_on: str | None
    needs_impact: bool

    def foreseen(self) -> dict[str, Any]:
        """What it would change and take away, in the wire form; nothing is done."""
        application = self._application(lock=False)
        given, act = self._given(application), self._act(application)
        with looking(self.tenant):
            diff = manifests.declare(**given, dry_run=True)
            answer: dict[str, Any] = {"diff": diff.as_json()}
            if _narrows(diff):
                answer["impact"] = foresee(act, lambda: manifests.declare(**given)).as_json()
        return answer

    def carried_out(self) -> tuple[Diff, str]:
        """What it changed, and the revision afterwards.

        Locked from the look to the act: nobody declares in between what this would take away unseen.
        """
        application = self._application(lock=False)
        superseding.hold(application, parse(self.body), at=self.at)
        application = self._application(lock=True)
        given, act = self._given(application), self._act(application)
        expected = self.relies_on if self.relies_on and self.relies_on.startswith("i-") else None
        if expected is None and not self.needs_impact:
            diff = manifests.declare(**given)
        else:
            diff = manifests.declare(**given, dry_run=True)
            if _narrows(diff):
                # The act goes on with what it locked: between the two nothing moves.
                carry_out(
                    act,
                    lambda: manifests.declare(**given),
                    expected=expected,
                    required=self.needs_impact,
                    unless_nothing=True,
                )
            elif diff:
                manifests.declare(**given)
        return diff, declared.revision_of(declared.document(application, at=self.at))

    def _application(self, *, lock: bool) -> Application:
        return own_application(tenant=self.tenant, application_id=self.application_id, lock=lock)

    def _given(self, application: Application) -> dict[str, Any]:
        return {"application": application, "manifest": parse(self.body), "by": self.by, "at": self.at}

    def _act(self, application: Application) -> Act:
        """An impact is that of a change from one document to another. 412 when it begins elsewhere now."""
        now = declared.revision_of(declared.document(application, at=self.at))
        if self.relies_on is not None and self.relies_on.startswith("m-") and self.relies_on != now:
            text = "The manifest was declared anew since you read it. Nothing was changed."
            raise ManifestChanged(text, data={"revision": now})
        heirs = superseding.heirs_of(application, parse(self.body), at=self.at)
        return Act(
            name="declare",
            tenant=self.tenant,
            subject=application,
            at=self.at,
            asked=[self.body, now],
            renamed=superseding.renamed(application, heirs),
        )


def _narrows(diff: Diff) -> bool:
    """Whether it can take anything: what is only added takes nothing."""
    return bool(diff.removed or diff.changed)
