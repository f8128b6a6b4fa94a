"""What a SCIM request can be refused for (RFC 7644 §3.12, table 9)."""

from iam_portal.errors import DomainError, Kind


class ScimRefused(DomainError):
    """The request is wrong as SCIM; ``data`` has its ``scimType``."""

    code = "scim_refused"
    kind = Kind.INVALID

    def __init__(self, scim_type: str, detail: str) -> None:
        super().__init__(detail, data={"scimType": scim_type})


class ScimConflict(DomainError):
    """The name is somebody else's already: ``uniqueness``."""

    code = "scim_uniqueness"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, data={"scimType": "uniqueness"})
