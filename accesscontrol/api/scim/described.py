"""What SCIM says of itself (RFC 7644 §4). Asked with the token, as everything here."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.api.scim._door import ScimAPI
from accesscontrol.scim import schemas
from iam_portal.errors import Forbidden, NotFound

_READ = {"GET": "Users:read|Groups:read"}


class Configuration(ScimAPI):
    """What is supported."""

    permissions = _READ

    def get(self, request: Request, **kwargs: Any) -> Response:
        """The same for everybody."""
        return Response(schemas.configuration(self.desk().base))


class Described(ScimAPI):
    """Documents of one sort."""

    permissions = _READ
    documents: ClassVar[Any]  # from the address that locations begin with to all of them

    def get(self, request: Request, name: str = "", **kwargs: Any) -> Response:
        """All of them, or the one of a name. A filter is refused (RFC 7644 §4)."""
        if "filter" in request.query_params:
            raise Forbidden("These documents are not filtered.")
        found = type(self).documents(self.desk().base)
        if not name:
            page = {"totalResults": len(found), "startIndex": 1, "itemsPerPage": len(found)}
            return Response({"schemas": [schemas.LIST], **page, "Resources": found})
        for each in found:
            if each["id"] == name:
                return Response(each)
        raise NotFound


class ResourceTypes(Described):
    """People and groups."""

    documents = staticmethod(schemas.resource_types)


class Schemas(Described):
    """Their attributes."""

    documents = staticmethod(schemas.schemas)
