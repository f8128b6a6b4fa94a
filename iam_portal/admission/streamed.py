"""Answers that are sent while they are made."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack


class Streamed:
    """Holds what the request holds until the last of it is sent, or the other end went away."""

    def __init__(self, answer: Iterable[bytes], held: ExitStack) -> None:
        self._answer, self._held = answer, held

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """As WSGI says it; a second time does nothing more."""
        try:
            if (close := getattr(self._answer, "close", None)) is not None:
                close()
        finally:
            self._held.close()

    def __del__(self) -> None:
        """A server that forgets to close it must not keep the place for ever."""
        self._held.close()
