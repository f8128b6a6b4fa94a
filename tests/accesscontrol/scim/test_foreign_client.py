"""A client that nobody here wrote reads what we say of ourselves, and tries all of it (``scim2-tester``)."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.accesscontrol.scim.conftest import Directory


def portal(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Through the browser of the tests, whose requests see what the test has written."""
    headers = {name[5:].replace("_", "-"): each for name, each in environ.items() if name.startswith("HTTP_")}
    reply = Client().generic(
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"],
        environ["wsgi.input"].read(),
        environ.get("CONTENT_TYPE", ""),
        headers=headers,
        QUERY_STRING=environ["QUERY_STRING"],
    )
    start_response(f"{reply.status_code} {reply.reason_phrase}", list(reply.items()))
    return [reply.content]


def test_it_finds_nothing_wrong(acme: Directory, settings: Any) -> None:
    settings.PORTAL_BASE_URL = "http://testserver"
    client = WSGISCIMClient(
        portal,
        base_url=f"http://testserver{acme.address('')}".rstrip("/"),
        headers={"Authorization": f"Bearer {acme.token}"},
    )
    results = check_server(client)
    wrong = [
        (each.title, each.resource_type, each.reason)
        for each in results
        if each.status in (Status.ERROR, Status.CRITICAL)
    ]
    assert wrong == []
    assert sum(each.status == Status.SUCCESS for each in results) > 50
