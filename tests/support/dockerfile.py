"""The steps of a Dockerfile (Dockerfile reference, "Format"), as far as ours goes; the unknown is refused."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
_SETTING = re.compile(r"(\w+)=(\S+)")
KNOWN = {"RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


@dataclass(frozen=True)
class Step:
    """One instruction and what stands behind it."""

    verb: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Of a list in JSON, or of a plain line without its options."""
        if self.rest.startswith("["):
            parsed: list[str] = json.loads(self.rest)
            return parsed
        return [word for word in self.rest.split() if not word.startswith("--")]

    @property
    def options(self) -> dict[str, str]:
        """``--name=value`` before the rest."""
        return dict(re.findall(r"--([\w-]+)=(\S+)", self.rest.partition("[")[0]))

    @property
    def settings(self) -> dict[str, str]:
        """Of an ENV."""
        return dict(_SETTING.findall(self.rest))


@dataclass
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def last(self, verb: str) -> Step:
        """The one that counts."""
        return next(step for step in reversed(self.steps) if step.verb == verb)


def stages(path: Path) -> list[Stage]:
    """All of them, in order."""
    text = _CONTINUED.sub(" ", _COMMENT.sub("", path.read_text()))
    found: list[Stage] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        verb, _, rest = line.partition(" ")
        if verb == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name))
        elif verb in KNOWN:
            found[-1].steps.append(Step(verb, rest.strip()))
        else:
            raise ValueError(f"{path.name}: nobody here knows {verb}.")
    return found
