"""Foreseeing and carrying out an act that takes something away, for the REST doors."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from rest_framework.response import Response

from iam_portal.gate import Answers
from tenants.impact import Act, carry_out, foresee
from tenants.rest import TenantAPI

Done = TypeVar("Done")


def foreseen(act: Act, do: Callable[[], object], *, answers: Answers | None = None) -> Response:
    """The impact; its revision is the ETag, too. ``answers``: what the door has read of who looks."""
    found = foresee(replace(act, answers=answers), do)
    return Response(found.as_json(), headers={"ETag": f'"{found.revision}"', "Cache-Control": "no-store"})


def done(
    view: TenantAPI, act: Act, do: Callable[[], Done], *, required: bool, unless_nothing: bool = False
) -> Done:
    """Against the impact's revision in ``If-Match``: 412 when it is another now, 428 when one is required."""
    expected = view.impact_revision()
    return carry_out(act, do, expected=expected, required=required, unless_nothing=unless_nothing)
