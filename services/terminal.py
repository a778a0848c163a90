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
from shared.metrics import violations

WENT_AND_CAME = {
    "papers_added": "new", "papers_withdrawn": "withdrawn", "papers_left": "no longer the author's", "papers_revised": "revised",
}  # fmt: skip
LISTED = 50  # papers that are shown of a list, at most
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
    if isinstance(value, Mapping):  # a series by year
        return " ".join(f"{clean(str(year))}:{shown(count)}" for year, count in sorted(value.items())) or "no year"
    if isinstance(value, float):
        return f"{value:,.2f}" if value >= 1 or not value else f"{value:.3g}"
    return clean(str(value))


def clean(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_profile(profile: Mapping[str, Any]) -> None:
    """A snapshot, in the order in which people ask."""
    if profile.get("redirect"):
        old, new = profile["author_id"], profile["redirect"]
        print(clean(f"{old} is merged into {new}, who has all its papers: scholarstream profile {new}"))
        return
    headline, out = profile["headline"], console()
    field = f", {profile['field']}" if profile.get("field") else ""
    print(clean(f"{profile.get('name') or profile['author_id']} ({profile['author_id']}{field})"))
    at = f"at {profile['cut']}" if "cut" in profile else f"version {profile['generation']}.{profile['version']}"
    print(f"as of {shown(profile['as_of'])}, {at}, counts: {clean(headline['basis'])}")
    print()
    figures = [("h-index", "h_index"), ("papers", "papers"), ("citations", "citations"), ("novelty", "novelty"), ("AI score", "ai_score")]
    print("   ".join(f"{name} {'not known yet' if headline[key] is None else shown(headline[key])}" for name, key in figures))
    for basis, metrics in profile["metrics"].items():
        print(f"{clean(basis)}: " + ", ".join(f"{name} {shown(value)}" for name, value in metrics.items()))
    for entry in profile["reported"]:
        told = ", ".join(f"{name} {shown(value)}" for name, value in entry.items() if name not in ("source", "as_of", "violations"))
        print(clean(f"reported by {entry['source']} as of {entry['as_of']}: {told}"))
        for code in entry.get("violations", ()):
            known = violations.BY_CODE.get(code)
            print(clean(f"  {'incomplete' if known and not known.impossible else 'impossible'}: {code}"))
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


def print_comparison(found: Mapping[str, Any]) -> None:
    """What changed between two points (services.history.compare)."""
    print(clean(f"{found['name']} ({found['author_id']})"))
    for word, end in (("from", found["before"]), ("to  ", found["after"])):
        print(f"{word} {clean(end['point'])}: {end['cut']}" + ("" if end["known"] else " (not known yet)"))
    numbers = [(basis, name, moved) for basis, metrics in found["metrics"].items() for name, moved in metrics.items()]
    numbers += [(series, year, moved) for series, years in found["years"].items() for year, moved in sorted(years.items())]
    if numbers:
        print()
        rows = ((what, name, moved["before"], moved["after"], _gain(moved)) for what, name, moved in numbers)
        print_table(("of", "number", "before", "after", ""), rows, right=("before", "after", ""))
    papers = [(title, paper) for key, title in WENT_AND_CAME.items() for paper in found[key]]
    if papers:
        print()
        rows = ((what, paper["paper_id"], _said_of(paper), paper["title"]) for what, paper in papers[:LISTED])
        print_table(("paper", "id", "", "title"), rows)
        _tell_rest(len(papers))
    if found["citations"]:
        print()
        rows = ((_gain(paper), paper["before"], paper["after"], paper["title"]) for paper in found["citations"][:LISTED])
        print_table(("citations", "before", "after", "paper"), rows, right=("citations", "before", "after"))
        _tell_rest(len(found["citations"]))
    if not (numbers or papers or found["citations"]):
        print("nothing changed")


def _said_of(paper: Mapping[str, Any]) -> str:
    if "changed" in paper:
        return ", ".join(paper["changed"]) or "in what is not listed here"
    return f"{paper['citations']:,} citation{'' if paper['citations'] == 1 else 's'}"


def _gain(moved: Mapping[str, Any]) -> str:
    before, after = moved["before"], moved["after"]
    if not (isinstance(before, int | float) and isinstance(after, int | float)):
        return ""
    return ("-" if after < before else "+") + shown(abs(after - before))


def _tell_rest(count: int) -> None:
    if count > LISTED:
        print(f"… and {count - LISTED:,} more; --json has all")


def print_reason(found: Mapping[str, Any]) -> None:
    """Why a number is what it is (services.history.explain)."""
    value = found["value"]
    told = ", ".join(f"{name} {shown(count)}" for name, count in sorted(value.items())) if isinstance(value, Mapping) else shown(value)
    print(clean(f"{found['name']} ({found['author_id']})"))
    print(clean(f"{found['metric']} on the basis {found['basis']}: {told}"))
    print(clean(found["sentence"]))
    if found["papers"]:
        print()
        columns = (*found["columns"], "published", "title")
        rows = ([paper[column] for column in columns] for paper in found["papers"][:LISTED])
        print_table(columns, rows, right=found["columns"])
        _tell_rest(len(found["papers"]))
        print()
    step = found["next"]
    if step is not None:
        print(clean(f"For {step['value']:,}: {step['needs']}."))
        if step["papers"]:
            print_table(("lacks", "citations", "title"), ((p["lacks"], p["citations"], p["title"]) for p in step["papers"][:LISTED]),
                        right=("lacks", "citations"))  # fmt: skip


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
