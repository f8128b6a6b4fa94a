"""What a REST reply was made of goes with it.

The framework ties request, view, reply and what the renderer was told in a ring: memory that is freed only
when garbage is looked for. A page of roles is 15,000 objects and half a megabyte; a tenth of such requests
waited 20 ms for those before it to be taken away.
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Replying(APIView):
    """A door whose replies are let go of as soon as they are written out."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(final, Response):
            final.add_post_render_callback(_let_go)
        return final


def _let_go(response: Response) -> None:
    """Only its text and its headers are needed from now on."""
    told: dict[str, Any] = getattr(response, "renderer_context", {})
    view = told.pop("view", None)
    if view is not None:
        view.response = None
    told.clear()
    response.data = None
