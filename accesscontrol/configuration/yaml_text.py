"""YAML that people write, read strictly: plain data, as YAML 1.2 understands it, and nothing that surprises.

Built from the parser's events alone, so that no tag can name a type of the language. Refused: tags, anchors
and aliases (ten lines of them unfold to a billion), keys given twice (the last would win silently), several
documents, more depth or size than a document needs. Only ``true``, ``false``, ``null``, ``~`` and nothing at
all are more than text: no country becomes ``False`` and no version a number.
"""

from typing import Any

import yaml
from yaml import events

from iam_portal.errors import Invalid

DEEPEST, MOST_NODES = 20, 300_000
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
# The C parser where there is one: it reads ten times faster.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class NotYaml(Invalid):
    """The text is no YAML that is taken; the detail says where and why."""

    code = "yaml_invalid"


class _Spelled(_Dumper):  # type: ignore[misc]
    """What stands twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Builder:
    """Puts the value together; one frame for each collection that is open."""

    def __init__(self) -> None:
        self.roots: list[Any] = []
        self._open: list[list[Any] | dict[str, Any]] = []
        self._keys: list[str | None] = []  # of each open mapping, the key that waits for its value
        self._nodes = 0

    def take(self, event: Any) -> None:
        """The next event of the stream."""
        if isinstance(event, events.NodeEvent):
            self._look(event)
        if isinstance(event, events.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, events.CollectionStartEvent):
            made: list[Any] | dict[str, Any] = [] if isinstance(event, events.SequenceStartEvent) else {}
            self._put(made, event)
            self._open.append(made)
            self._keys.append(None)
        elif isinstance(event, events.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def _look(self, event: Any) -> None:
        self._nodes += 1
        if isinstance(event, events.AliasEvent) or event.anchor is not None:
            raise _refusal(event, "anchors and aliases are not taken; write it out")
        if event.tag is not None:
            raise _refusal(event, "tags are not taken")
        if len(self._open) >= DEEPEST or self._nodes > MOST_NODES:
            raise _refusal(event, "it is nested too deeply, or too long")

    def _scalar(self, event: Any) -> None:
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            if event.value in self._open[-1]:
                raise _refusal(event, "this key is given twice")
            self._keys[-1] = event.value
            return
        plain = event.implicit[0] and event.value in _WORDS
        self._put(_WORDS[event.value] if plain else event.value, event)

    def _put(self, value: Any, event: Any) -> None:
        if not self._open:
            if self.roots:
                raise _refusal(event, "one document is taken")
            self.roots.append(value)
            return
        frame, key = self._open[-1], self._keys[-1]
        if isinstance(frame, list):
            frame.append(value)
        elif key is None:
            raise _refusal(event, "a key is plain text")
        else:
            frame[key] = value
            self._keys[-1] = None


def read(text: str | bytes) -> Any:
    """The value, or :class:`NotYaml`."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Parser):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise NotYaml(f"{_place(error.problem_mark)}: {error.problem or 'this is no YAML'}.") from None
    except (yaml.YAMLError, UnicodeError, ValueError):
        raise NotYaml("This is no YAML in UTF-8.") from None
    return builder.roots[0] if builder.roots else None


def write(value: Any) -> str:
    """The text, keys in the order given."""
    return str(yaml.dump(value, Dumper=_Spelled, sort_keys=False, allow_unicode=True, width=110))


def _refusal(event: Any, why: str) -> NotYaml:
    return NotYaml(f"{_place(event.start_mark)}: {why}.")


def _place(mark: Any) -> str:
    return f"Line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "Somewhere"
