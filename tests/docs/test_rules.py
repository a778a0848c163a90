"""Every rule, invariant, decision and page that code cites stands in docs."""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
DEFINED = re.findall(r"^\| ([A-Z][0-9]+) \| (.+) \| .+ \|$", ARCHITECTURE, re.MULTILINE)
NAMES = {name for name, _ in DEFINED}
DECISIONS = {int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md")}
PAGES = {page.name for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("bench/*.md")]}
CODE = sorted(
    path for folder in ("shared", "services", "tests", "bench") for path in (ROOT / folder).rglob("*.py")
)

NAME = r"[A-Z][0-9]+"
NAMED = re.compile(rf"\b(?:rules?|invariants?) ({NAME}(?:(?:, | and | to |, and ){NAME})*)", re.IGNORECASE)
BY_NAME_ALONE = re.compile(r"\b[ACDGKLPS][1-9]\b")  # as a rule: (K1), S3: …
DECISION = re.compile(r"\bdecisions?[ /](?:0*)([0-9]+)")
PAGE = re.compile(r"\b(?:docs/)?([a-z0-9-]+\.md)\b")


def cited(text: str) -> set[str]:
    """Names after the words rule and invariant; "K1 to K5" is all five."""
    found: set[str] = set()
    for names in NAMED.findall(text):
        for first, last in re.findall(rf"({NAME}) to ({NAME})", names):
            found |= {f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1)}
        found |= set(re.findall(NAME, names))
    return found


def prose(source: str) -> str:
    """Comments and docstrings, one after another; lines of one comment are joined."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = " ".join(token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, nodes)]
    return " ".join(" ".join([comments, *docs]).split())


def test_each_name_is_defined_once():
    names = [name for name, _ in DEFINED]
    assert len(names) == len(set(names)) > 40
    assert all(meaning.endswith(".") for _, meaning in DEFINED)


def test_what_code_cites_is_defined():
    missing = {str(path.relative_to(ROOT)): names for path in CODE if (names := undefined(path))}
    assert not missing, "docs do not define what code cites"


def undefined(path: Path) -> set[str]:
    source = path.read_text("utf-8")
    text = prose(source)
    names = cited(" ".join(source.split()))
    if path.is_relative_to(ROOT / "shared") or path.is_relative_to(ROOT / "services"):
        names |= set(BY_NAME_ALONE.findall(text))
    decisions = {number for number in DECISION.findall(text) if int(number) not in DECISIONS}
    return (names - NAMES) | decisions | (set(PAGE.findall(text)) - PAGES)


def test_citations_are_found():
    assert cited("rules K4, L1 and P2 to P4; Invariant I2") == {"K4", "L1", "P2", "P3", "P4", "I2"}
    assert "(K1)" in prose("def f():\n    '''Saves\n    (K1).'''\n")
