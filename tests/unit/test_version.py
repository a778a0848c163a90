"""Version and licence are told wherever one looks for them."""

import hashlib
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
APACHE = "3b83ef96387f14655fc854ddc3c6bd57"  # MD5 of LICENSE-2.0.txt as the Apache Software Foundation has it


def every_command(group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [before]
    for name, command in group.commands.items():
        words = (*before, name)
        found += every_command(command, words) if hasattr(command, "commands") else [words]
    return found


@pytest.mark.parametrize("words", every_command(typer.main.get_command(app)), ids=" ".join)
def test_every_command_tells_the_version_and_does_nothing_else(words, tmp_path):
    done = CliRunner().invoke(
        app, [*words, "--version"], env={"SCHOLARSTREAM_DATA_DIR": str(tmp_path / "none")}
    )
    assert (done.exit_code, done.output) == (0, f"scholarstream {PROJECT['version']}\n")
    assert not (tmp_path / "none").exists()


def test_the_licence_is_apache_2_and_the_package_says_so():
    assert hashlib.md5((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE
    assert PROJECT["license"] == "Apache-2.0" and PROJECT["license-files"] == ["LICENSE"]
