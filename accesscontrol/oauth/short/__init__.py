"""The short way to a service token and to its introspection, below the framework (docs/adr/0007).

It answers the ordinary case alone, and only from what it has confirmed within the request. For everything
else, and at any doubt, the request takes the long way as if this were not there.
"""

from accesscontrol.oauth.short.door import ShortWay
from accesscontrol.oauth.short.lines import KeptReader
from accesscontrol.oauth.short.versions import Reader

__all__ = ["KeptReader", "Reader", "ShortWay"]
