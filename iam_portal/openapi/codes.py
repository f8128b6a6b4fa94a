"""The codes of refusals that no class of ours stands for, and what to do about each code.

``docs/errors.md`` is written from this table and the classes; a test fails when one of them lacks its line.
"""

# code → status and meaning: of what stands before every handler.
FRAMEWORK: dict[str, tuple[int, str]] = {
    "invalid": (400, "Some values cannot be accepted; `errors` names each with its place."),
    "parse_error": (400, "The body is no JSON, is nested too deeply, or holds half of a character."),
    "not_authenticated": (401, "Nobody is signed in, or no token was sent."),
    "authentication_failed": (401, "The credentials, the token or the session are not accepted."),
    "forbidden": (403, "A permission is missing in one's own organization; `reasons` say which."),
    "permission_denied": (403, "The session's request came without its `X-CSRFToken`."),
    "not_found": (404, "Nothing is here, or nothing of this organization: never told apart."),
    "not_acceptable": (406, "The reply cannot have the form that `Accept` asks for."),
    "too_large": (413, "The body is larger than is taken."),
    "unsupported_media_type": (415, "The body is not `application/json`."),
}
# Those of no door: no address, no method, no request, or a mistake of ours.
ANYWHERE: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request could not be understood at all."),
    "csrf_failed": (403, "A form was too old or came from elsewhere."),
    "method_not_allowed": (405, "The address does not take this method; `Allow` names those that it takes."),
    "internal_error": (500, "Something broke. The change was not made."),
}
# Those of the event service, which keeps callers waiting.
EVENTS: dict[str, tuple[int, str]] = {
    "body_not_taken": (413, "The event service takes no body."),
    "too_slow": (408, "The request did not come in time."),
    "too_many_streams": (429, "This caller, or this organization, waits too often already."),
    "busy": (503, "Too many wait or are connected already."),
}
# code → what whoever gets it does.
REMEDIES: dict[str, str] = {}
