"""Carries out a Dockerfile in bare roots, step by step, and starts what it describes as a container would be.

What it takes from the repository is what the version control knows: a file that somebody forgot to add is
missing here as it would be on the machine that builds.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iam_portal.launchers.portal import ROOT
from tests.support import dockerfile
from tests.support.dockerfile import Stage, Step
from tests.support.root import Root

BASES = {"debian:12-slim"}  # whose stand-in is a root of Debian's essential packages


@dataclass
class Image:
    """What came of the last stage."""

    root: Root
    directory: str
    user: str
    command: list[str]
    probe: list[str]

    def enter(
        self, words: Sequence[str], *, settings: Mapping[str, str], binds: Sequence[Path] = ()
    ) -> list[str]:
        """A command in it: read-only, as its own user, with /tmp and /run in memory."""
        return self.root.enter(
            words,
            directory=self.directory,
            settings=settings,
            user=self.user,
            readonly=True,
            binds=binds,
        )

    def run(
        self, words: Sequence[str], *, settings: Mapping[str, str], binds: Sequence[Path] = ()
    ) -> subprocess.CompletedProcess[str]:
        """To its end."""
        command = self.enter(words, settings=settings, binds=binds)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def built(path: Path, folder: Path) -> Image:
    """All stages, each in a root of its own."""
    roots: dict[str, Root] = {}
    stage, builder = None, None
    for number, stage in enumerate(dockerfile.stages(path)):
        assert stage.image in BASES, stage.image
        builder = _Builder(Root.made(folder / f"stage-{number}"), roots)
        for step in stage.steps:
            builder.take(step)
        roots[stage.name or str(number)] = builder.root
    assert stage is not None and builder is not None
    return _described(stage, builder)


def _described(stage: Stage, builder: "_Builder") -> Image:
    health = dockerfile.Step("CMD", stage.last("HEALTHCHECK").rest.partition(" CMD ")[2].strip())
    command = stage.last("CMD").words
    return Image(builder.root, builder.directory, stage.last("USER").rest, command, health.words)


class _Builder:
    """One stage."""

    def __init__(self, root: Root, others: Mapping[str, Root]) -> None:
        self.root, self._others, self.directory = root, others, "/"

    def take(self, step: Step) -> None:
        match step.verb:
            case "RUN":
                words = ["sh", "-c", step.rest]
                self.root.run(words, directory=self.directory, online=True)
            case "COPY":
                self._copy(step)
            case "WORKDIR":
                self.directory = step.rest
                (self.root.folder / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "ENV":
                self.root.settings |= step.settings
            case _:
                pass  # what only describes

    def _copy(self, step: Step) -> None:
        *sources, target = step.words
        other = self._others[step.options["from"]].folder if "from" in step.options else None
        for source in sources:
            found = other / source.lstrip("/") if other else ROOT / source
            into = self.root.folder / self.directory.lstrip("/") / target.lstrip("/")
            if target.startswith("/"):
                into = self.root.folder / target.lstrip("/")
            _copied(found, into / found.name if target.endswith("/") else into, known=other is None)


def _copied(source: Path, target: Path, *, known: bool) -> None:
    """A file, or what is in a folder; of the repository only what is ``known`` to its version control."""
    if not known:
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "--archive", "--no-target-directory", source, target], check=True)
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", source], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert names, f"{source} is nothing that the version control knows."
    for path in names:
        into = target if path == source else target / path.relative_to(source)
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, into)
