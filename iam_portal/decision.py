"""The answer of a rule: allowed or not, with the chain of reasons. Pure; no Django."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One link of a chain: a stable code, a sentence, and what it speaks of.

    ``at`` is the moment the link began to hold or broke (UTC). Ids are strings, ready for JSON.
    """

    code: str
    text: str
    contract_id: str | None = None
    tenant_id: str | None = None
    application_id: str | None = None
    role: str | None = None
    at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The wire form: camelCase, empty members left out."""
        pairs = {
            "code": self.code,
            "text": self.text,
            "contractId": self.contract_id,
            "tenantId": self.tenant_id,
            "applicationId": self.application_id,
            "role": self.role,
            "at": rfc3339(self.at),
        }
        return {key: value for key, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Decision:
    """Reads as a boolean: ``if decision: …``; says why in ``reasons`` for a yes as for a no."""

    allowed: bool
    code: str
    reasons: tuple[Reason, ...] = field(default=())

    def __bool__(self) -> bool:
        return self.allowed

    @classmethod
    def yes(cls, *reasons: Reason) -> "Decision":
        """Allowed; the code is that of the first link."""
        return cls(True, reasons[0].code if reasons else "allowed", reasons)

    @classmethod
    def no(cls, *reasons: Reason) -> "Decision":
        """Refused; the code is that of the first broken link."""
        return cls(False, reasons[0].code if reasons else "refused", reasons)


def rfc3339(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with ``Z``; whole seconds carry no fraction."""
    if moment is None:
        return None
    return moment.isoformat().replace("+00:00", "Z")
