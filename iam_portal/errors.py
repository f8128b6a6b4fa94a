"""The refusal of a rule. Subclasses stand beside the function that raises them."""

from enum import Enum
from typing import Any, ClassVar

from iam_portal import limits
from iam_portal.decision import Reason


class Kind(Enum):
    """What sort of refusal it is; only the doors know which HTTP status that means."""

    INVALID = "invalid"  # the words are wrong
    CONFLICT = "conflict"  # the words are right, the state is not
    FORBIDDEN = "forbidden"  # inside one's own tenant, without the permission
    MISSING = "missing"  # not there, or not for this tenant: never told apart
    PRECONDITION = "precondition"  # it has to be said on which revision the caller acts
    STALE = "stale"  # the caller acted on a revision that is no longer current
    THROTTLED = "throttled"  # too many; ``data["retryAfter"]`` seconds
    UNPROCESSABLE = "unprocessable"  # right words, which contradict what the same caller said before
    GONE = "gone"  # it was there, and is kept no longer


class DomainError(Exception):
    """A rule refused. Nothing was changed.

    ``code`` is stable and machine-readable; ``detail`` is a sentence for people; ``errors`` lists every
    objection as ``{"pointer", "code", "detail"}``; ``data`` are extra members of the problem document.
    ``record``: what history is to say of the refusal itself. The act rolls back, so the doors write it
    afterwards (``tenants.history.record_refusal``).
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(
        self,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        reasons: tuple[Reason, ...] = (),
        data: dict[str, Any] | None = None,
        record: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        if self.kind is Kind.THROTTLED:  # each limit refuses by one of these, whatever becomes of it
            limits.refused(self.code)
        self.detail = detail
        self.errors = errors or []
        self.reasons = reasons
        self.data = data or {}
        self.record = record


class NotFound(DomainError):
    """Not there for this tenant. A foreign row and an unknown one answer alike."""

    code = "not_found"
    kind = Kind.MISSING

    def __init__(self, detail: str = "There is nothing at this address.") -> None:
        super().__init__(detail)


class Invalid(DomainError):
    """Input that no state could accept."""

    code = "invalid"
    kind = Kind.INVALID


class Forbidden(DomainError):
    """The actor lacks a permission in his own tenant; ``reasons`` say which."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
