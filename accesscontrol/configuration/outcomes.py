"""What becomes of a document: a plan, or a refusal with the plan as it is now."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from accesscontrol.configuration.comparing import Objections
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step
from iam_portal.errors import DomainError, Forbidden, Invalid, Kind
from tenants.impact import Impact


@dataclass(frozen=True, slots=True)
class Plan:
    """``revision`` stands for the document, for what it was compared with, and for what would be lost."""

    revision: str
    steps: tuple[Step, ...]
    objections: Objections
    impact: Impact | None
    refused: tuple[DomainError, ...] = ()  # of what history is to say that somebody tried

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        verbs = [step.verb for step in self.steps]
        return {
            "revision": self.revision,
            "summary": {verb: verbs.count(verb) for verb in (ADD, CHANGE, REMOVE)},
            "steps": [step.as_json() for step in self.steps],
            "objections": self.objections,
            "impact": dict(self.impact.parts) if self.impact is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that was not done, and why."""

    step: Step
    why: DomainError | ValidationError

    def objections(self) -> list[dict[str, str]]:
        """What the refusal lists, below the step's place in the document."""
        if isinstance(self.why, ValidationError):
            return [self._objection("invalid", text) for text in self.why.messages]
        listed = [
            {**error, "pointer": self.step.pointer + error["pointer"], "detail": self._named(error["detail"])}
            for error in self.why.errors
        ]
        return listed or [self._objection(self.why.code, self.why.detail)]

    def _objection(self, code: str, text: str) -> dict[str, str]:
        return {"pointer": self.step.pointer, "code": code, "detail": self._named(text)}

    def _named(self, text: str) -> str:
        return f"{self.step.name}: {text}"


class _NotApplied(DomainError):
    """Carries what the doors are to record of it."""

    def __init__(self, detail: str, plan: Plan) -> None:
        super().__init__(detail, data={"plan": plan.as_json()})
        self.refused = plan.refused


class PlanRequired(_NotApplied):
    """Nobody applies what he has not seen: it takes the revision of a plan. ``data`` holds the plan."""

    code = "plan_required"
    kind = Kind.PRECONDITION


class PlanChanged(_NotApplied):
    """The document or the world is another than that of the plan. ``data`` holds the plan as it is now."""

    code = "plan_changed"
    kind = Kind.STALE


class CannotApply(_NotApplied):
    """Something speaks against it; every objection is listed. Nothing was changed."""

    code = "configuration_not_possible"

    def __init__(self, detail: str, plan: Plan) -> None:
        super().__init__(detail, plan)
        self.errors = plan.objections


class MayNotApply(CannotApply):
    """Some of it the actor may not do; he may not do it by a document either."""

    code = Forbidden.code
    kind = Kind.FORBIDDEN


class TooManySteps(Invalid):
    """More than is done at once; apply it in parts."""

    code = "too_many_steps"
