"""``manage.py iam``: the same document from a shell."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accesscontrol.configuration import yaml_text
from accesscontrol.management.commands.iam import Command
from tests.support.configuring import World


def run(*words: Any, username: str | None = "jane", tenant: str = "acme", **options: Any) -> str:
    who = {"username": username} if username else {"system": True}
    out = options.pop("out")
    call_command("iam", *words, tenant=tenant, stdout=out, no_color=True, **who, **options)
    return str(out.getvalue())


@pytest.fixture
def iam() -> Any:
    def call(*words: Any, **options: Any) -> tuple[int, str]:
        """Exit code and what was said."""
        out = StringIO()
        try:
            run(*words, out=out, **options)
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
        except CommandError as error:
            return 1, f"{out.getvalue()}{error}"
        return 0, out.getvalue()

    return call


def test_export_plan_apply(world: World, iam: Any, tmp_path: Path) -> None:
    code, text = iam("export")
    assert (code, yaml_text.read(text)) == (0, {**world.document(world.acme), "version": "1"})
    assert iam("export", format="json")[1].startswith('{\n  "version": 1,')
    file = tmp_path / "acme.yaml"
    file.write_text(text)
    assert iam("plan", file) == (0, "Nothing to do.\n")
    file.write_text(text.replace("- name: Plant\n", "- name: Plant\n  description: All of it\n"))

    code, said = iam("plan", file)

    assert code == 2
    assert "~ groups: Plant\n    + description: All of it\n" in said
    revision = re.search(r"i-[0-9a-f]{32}", said)
    assert revision is not None
    assert iam("apply", file)[0] == 1  # neither --revision nor --yes
    assert "plan_changed" not in said
    assert iam("apply", file, revision="i-" + "0" * 32)[0] == 1
    assert world.document(world.acme)["groups"][1].get("description") is None
    code, said = iam("apply", file, revision=revision[0])
    assert (code, said.endswith("Applied.\n")) == (0, True)
    assert iam("plan", file) == (0, "Nothing to do.\n")
    [row] = world.history(world.acme, "configuration.applied")
    assert (row.actor_kind, row.actor_id) == ("user", str(world.acme.user.id))


def test_what_is_lost_and_what_speaks_against_it(world: World, iam: Any, tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text('{"version": 1, "groups": [], "contracts": []}')
    code, said = iam("plan", file)
    assert code == 1
    assert "- groups: Night shift" in said
    assert "- contracts: provision to beta  (cannot be taken back)" in said
    assert f"! Kim loses urn:iam:tenant-role:{world.acme.tenant.id}:dispatch" in said
    assert "! Beta loses Fleet Planner: unavailable" in said
    assert "! /contracts prune_required: " in said
    assert iam("apply", file, yes=True)[0] == 1
    code, said = iam("apply", file, yes=True, prune="contracts", tenant=str(world.acme.tenant.id))
    assert (code, said.endswith("Applied.\n")) == (0, True)


def test_who_acts_is_said(world: World, iam: Any, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("version: 1\ngroups: []\n")
    code, said = iam("apply", file, yes=True, username="looker")
    assert (code, "forbidden" in said) == (1, True)
    assert len(world.history(world.acme, "configuration.refused")) >= 1
    for name, acts in (("kim", ["export", "plan"]), ("reader", ["plan"])):
        for act in acts:
            code, said = iam(act, file, username=name)
            assert (code, "Configuration:" in said) == (1, True), (name, act)
    assert "no such active user" in iam("plan", file, username="nobody")[1]
    assert "no such organization" in iam("plan", file, tenant="nowhere")[1]
    assert iam("apply", file, yes=True, username=None)[0] == 0
    [row] = world.history(world.acme, "configuration.applied")
    assert (row.actor_kind, row.actor_id) == ("system", "system")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x b", "anchors"),
        ("version: 3", "/version invalid_choice"),
        ("{", "no JSON"),
        ("\x00", "no YAML"),
    ],
)
def test_a_file_that_is_none(iam: Any, world: World, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    code, told = iam("plan", file)
    assert (code, said in told) == (1, True), told
    assert iam("plan", tmp_path / "missing")[0] == 1


def test_names_do_not_steer_the_terminal(world: World, iam: Any, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text('version: 1\nroles:\n- key: x\n  name: "\\e[2J\\u202eX"\n')
    code, said = iam("plan", file)
    assert code == 2
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "words", [["plan", "--tenant"], ["mistake", "--tenant", "acme"], ["plan", "--prnue"]]
)
def test_a_misspelt_option_is_no_plan_with_changes(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "iam", *words])
    assert ended.value.code == 1
    assert "usage" in capsys.readouterr().err
