"""The access review: who of a tenant can do what in an application at a moment, and how it reaches them.

The same facts and rules as every token. Whole for files; for a screen or a client part by part: whose
lines are in the part is found in the database, and only theirs are worked out.
"""

from accesscontrol.review.lines import SERVICE, USER, Change, Line, Review
from accesscontrol.review.parts import Part, part
from accesscontrol.review.seeking import Asked, Order, Place, everything
from accesscontrol.review.whole import review

__all__ = [
    "SERVICE",
    "USER",
    "Asked",
    "Change",
    "Line",
    "Order",
    "Part",
    "Place",
    "Review",
    "everything",
    "part",
    "review",
]
