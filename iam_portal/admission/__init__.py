"""Who is served next, in front of everything else: no tenant takes the threads of all (docs/adr/0008)."""

from iam_portal.admission.callers import Credentials, basic, session_name
from iam_portal.admission.door import (
    CALLER,
    GIVEN,
    LONGEST_WAIT,
    OURS,
    WAITED,
    Admission,
    InTurn,
    aside,
    is_of,
)
from iam_portal.admission.rates import Rates
from iam_portal.admission.turns import Refused, Turns

__all__ = [
    "CALLER",
    "GIVEN",
    "LONGEST_WAIT",
    "OURS",
    "WAITED",
    "Admission",
    "Credentials",
    "InTurn",
    "Rates",
    "Refused",
    "Turns",
    "aside",
    "basic",
    "is_of",
    "session_name",
]
