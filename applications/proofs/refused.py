"""The refusal of an upload. It says what is wrong with it and never repeats a part of it."""


class Unusable(Exception):
    """``code`` is stable, ``text`` for people. Neither holds anything of the upload: it may be a secret."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text


def private_key() -> Unusable:
    """Somebody sent what must never leave his own machine."""
    return Unusable(
        "private_key",
        "This holds a private key. Nothing of it was kept, but it has travelled: make a new one,"
        " and give its public part only.",
    )
