"""Names that old integrations send as ``scope``, and the words of ours that each stands for."""

import re
from collections.abc import Mapping

from iam_portal.sentences import said

MOST, MOST_WORDS, LONGEST_NAME = 50, 20, 100
AUDIENCE = "aud:"
OPENID_WORDS = ("openid", "profile", "email", "offline_access")
_ID = r"[a-z0-9][a-z0-9._-]{0,63}"
_TARGET = re.compile(f"{AUDIENCE}{_ID}")
_ROLE = re.compile(f"{_ID}/{_ID}")
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3


def is_ours(word: str) -> bool:
    """Whether the word means something without any alias: then no alias may give it another meaning."""
    return word.startswith(AUDIENCE) or word in OPENID_WORDS or _ROLE.fullmatch(word) is not None


def errors(pointer: str, aliases: Mapping[str, str]) -> list[dict[str, str]]:
    """Objections to each alias. What its words lead to is decided at every use, as if they had been sent."""
    if len(aliases) > MOST:
        return [
            {
                "pointer": pointer,
                "code": "too_many",
                "detail": said("At most %(most)s names.", {"most": MOST}),
            }
        ]
    found = []
    for name, text in aliases.items():
        if detail := _name_objection(name) or _text_objection(text):
            escaped = name[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")  # RFC 6901 §3
            detail = f"“{name[:80]}”: {detail}"
            found.append({"pointer": f"{pointer}/{escaped}", "code": "alias_refused", "detail": detail})
    return found


def _name_objection(name: str) -> str:
    if not _TOKEN.fullmatch(name) or len(name) > LONGEST_NAME:
        return said(
            "A name is one word of ASCII, up to %(longest_name)s characters.", {"longest_name": LONGEST_NAME}
        )
    return "This word has a meaning of its own." if is_ours(name) else ""


def _text_objection(text: str) -> str:
    words = text.split(" ")
    if not 1 <= len(words) <= MOST_WORDS:
        return said("A name stands for one to %(most_words)s words.", {"most_words": MOST_WORDS})
    known = all(word in OPENID_WORDS or _TARGET.fullmatch(word) or _ROLE.fullmatch(word) for word in words)
    return "" if known else "Write words like aud:<application id>, <application id>/<role> or openid."
