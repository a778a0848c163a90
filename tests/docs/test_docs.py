"""What the documents say is so: commands, flags, settings, links, make targets; and nothing names a
machine.
"""

import re
from pathlib import Path

import pytest
import typer

from services.cli.main import app
from shared.settings import Settings, rows
from shared.telemetry.registry import Telemetry

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
TEXT = {page: page.read_text("utf-8") for page in PAGES}
NOT_OURS = {".git", ".venv", ".hypothesis", ".pytest_cache", ".ruff_cache", "__pycache__", "data"}
TRACKED = [
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*")
    if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts)
]


def commands(group=None, before: str = "") -> dict[str, object]:
    """Every command with its words: "dead-letters list" → the command."""
    group = group or typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        words = f"{before}{name}"
        found |= commands(command, f"{words} ") if hasattr(command, "commands") else {words: command}
    return found


COMMANDS = commands()


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_explains_itself(words):
    command = COMMANDS[words]
    assert command.help and command.help.rstrip().endswith(".")
    assert all(
        getattr(option, "help", None) for option in command.params if option.param_type_name == "option"
    ), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_that_are_named_exist(page):
    for line in re.findall(r"scholarstream ((?:[a-z-]+)(?: [^\n`|;)]*)?)", TEXT[page]):
        words = line.split("#")[0].split()
        groups = {words.split()[0] for words in COMMANDS}
        if words[0] not in groups:  # prose: "scholarstream keeps …"
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0]
        if name not in COMMANDS:
            assert "|" in TEXT[page] or name in groups, line
            continue
        known = {
            flag for option in COMMANDS[name].params for flag in (*option.opts, *option.secondary_opts)
        } | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_every_setting_and_every_metric_is_documented():
    text = TEXT[ROOT / "docs" / "operations.md"]
    for row in rows():
        assert (
            f"| `{row.variable}` | {f'`{row.flag}`' if row.flag else 'none'} |" in text
            and row.description in text
        )
    assert {row.name for row in rows()} == set(Settings.model_fields)
    for metric in Telemetry().definitions:
        assert f"| `{metric.name}` | {metric.kind} |" in text and metric.meaning in text


def test_every_environment_variable_in_the_code_is_a_setting_or_stated():
    stated = "\n".join(TEXT.values())
    for path in TRACKED:
        if path.endswith((".py", ".yml", "Dockerfile", "Makefile")):
            for name in set(re.findall(r"SCHOLARSTREAM_[A-Z_]*[A-Z]", (ROOT / path).read_text("utf-8"))):
                known = (
                    name in {row.variable for row in rows()} or name in stated or path.startswith("tests/")
                )
                assert known, f"{path} reads {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", TEXT[page]):
        if target.startswith("https://"):
            continue
        path, _, place = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if place:
            heads = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)
            assert place in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, (
                target
            )


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for page, text in TEXT.items():
        for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.M):
            assert target in targets, f"{page.name}: make {target}"


def test_ci_does_what_the_readme_says():
    said = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "exec make test" in said and "make test" in TEXT[ROOT / "README.md"]


def test_nothing_names_a_machine_or_a_registry():
    marks = [
        r"/wo" + r"rk/",
        r"/ro" + r"ot/",
        r"pypi\.o" + "rg",
        r"files\.pyth" + "onhosted",
        r"--index-" + "url",
        r"extra-in" + "dex",
    ]
    for path in TRACKED:
        try:
            text = (ROOT / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for mark in marks:
            if mark.endswith("url") and path == "Makefile":
                continue  # "--no-emit-index-url"
            assert not re.search(mark, text), f"{path}: {mark}"


def test_lock_files_pin_everything_with_hashes():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        pins = re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.M | re.I)
        assert len(pins) > 15 and text.count("--hash=sha256:") >= len(pins)


def test_each_requirement_has_a_purpose():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for section in re.findall(r"(?:dependencies|build|dev) = \[\n(.*?)\n\]", text, re.S):
        for line in section.splitlines():
            assert re.search(r'"[^"]+>=[^"]+",\s+# \S', line), line
