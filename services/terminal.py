"""What commands print: tables and profiles for people, JSON for programs."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.errors import UsageError

WIDE = 10_000  # columns where nobody looks: what reads a pipe wants lines whole


def print_json(value: Any) -> None:
    """One value, indented."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def print_json_line(value: Any) -> None:
    """One value on one line, at once."""
    print(orjson.dumps(value).decode(), flush=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Aligned columns. right: those that stand to the right (numbers)."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console().print(table)


def console() -> Console:
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else WIDE)


def shown(value: Any) -> str:
    """A value for people, without anything a terminal would obey."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}" if value >= 1 or not value else f"{value:.3g}"
    return clean(str(value))


def clean(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_profile(profile: Mapping[str, Any]) -> None:
    """A snapshot, in the order in which people ask."""
    headline, out = profile["headline"], console()
    field = f", {profile['field']}" if profile.get("field") else ""
    print(clean(f"{profile.get('name') or profile['author_id']} ({profile['author_id']}{field})"))
    print(f"as of {shown(profile['as_of'])}, version {profile['generation']}.{profile['version']}, counts: {clean(headline['basis'])}")
    print()
    figures = [("h-index", "h_index"), ("papers", "papers"), ("citations", "citations"), ("novelty", "novelty"), ("AI score", "ai_score")]
    print("   ".join(f"{name} {'not known yet' if headline[key] is None else shown(headline[key])}" for name, key in figures))
    for basis, metrics in profile["metrics"].items():
        print(f"{clean(basis)}: " + ", ".join(f"{name} {shown(value)}" for name, value in metrics.items()))
    for entry in profile["reported"]:
        told = ", ".join(f"{name} {shown(value)}" for name, value in entry.items() if name not in ("source", "as_of", "violations"))
        print(clean(f"reported by {entry['source']} as of {entry['as_of']}: {told}"))
        for code in entry.get("violations", ()):
            print(clean(f"  impossible: {code}"))
    print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("citations", "published", "field", "title", "authors"):
        table.add_column(name, justify="right" if name == "citations" else "left", overflow="fold")
    for paper in profile["papers"]:
        more = paper["authors_total"] - len(paper["authors"])
        authors = ", ".join(paper["authors"]) + (f" and {more:,} more" if more > 0 else "")
        cells = (paper["citations"], paper.get("published"), paper.get("field"), paper["title"], authors)
        table.add_row(*(Text(shown(cell)) for cell in cells))
    out.print(table)
    left = profile["papers_total"] - len(profile["papers"])
    if left > 0:
        print(f"and {left:,} more papers")


def snapshot_line(profile: Mapping[str, Any]) -> str:
    """A snapshot on one line."""
    headline = profile["headline"]
    name = profile.get("name") or profile["author_id"]
    counts = f"papers {headline['papers']:,}  citations {headline['citations']:,}  h-index {headline['h_index']:,}"
    return clean(f"{name} ({profile['author_id']})  {counts}  version {profile['generation']}.{profile['version']}")


@contextlib.contextmanager
def output(path: str) -> Iterator[TextIO]:
    """Where `--output` points: - is standard output, a file appears when it is complete. Error: UsageError when it cannot be written."""
    if path == "-":
        yield sys.stdout
        return
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        file = part.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror}") from None
    try:
        with file:
            yield file
        os.replace(part, target)
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def reporter() -> Iterator[Callable[..., None]]:
    """report(line, fraction): how far something is, on standard error; steps in between only on a terminal."""
    screen = Console(stderr=True, highlight=False)
    if not screen.is_terminal:

        def tell(line: str, fraction: float | None = None) -> None:
            if fraction is None:
                print(line, file=sys.stderr, flush=True)

        yield tell
        return
    with screen.status("") as status:

        def show(line: str, fraction: float | None = None) -> None:
            status.update(Text(line if fraction is None else f"{line} {fraction:.0%}"))

        yield show
