"""The document that integrators read names tests that exist, for every kind of integration."""

import ast
import re

from iam_portal.launchers.portal import ROOT

DOCUMENT = ROOT / "docs" / "integrations.md"
HERE = "tests/journeys/integrations"


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", DOCUMENT.read_text())
    assert len(named) > 25
    for path, name in named:
        file = ROOT / path if "/" in path else ROOT / HERE / path
        tests = {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert name in tests, f"{path}::{name}"


def test_every_gateway_file_is_explained() -> None:
    folder = ROOT / "docs" / "gateways"
    said = (folder / "README.md").read_text()
    for file in folder.iterdir():
        assert file.name == "README.md" or f"]({file.name})" in said, file.name
