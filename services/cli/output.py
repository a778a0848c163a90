"""Prints tables and profiles for people, and JSON for programs."""

import contextlib
import os
import re
import stat
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.errors import UsageError
from shared.metrics import violations
from shared.plain import clean, exact, lines, meant, safe_json, tell, titled

WENT_AND_CAME = {
    "papers_added": "new",
    "papers_withdrawn": "withdrawn",
    "papers_left": "no longer the author's",
    "papers_revised": "revised",
}
LISTED = 50  # the most papers of a printed list
WIDE = 10_000  # columns, when the output is not a terminal: a pipe needs whole lines


def as_json(value: Any, option: int = 0) -> str:
    """A value as JSON, with no character that controls a terminal."""
    return safe_json(orjson.dumps(value, option=option))


# ---- JSON and tables


def print_json(value: Any) -> None:
    """Prints one value as indented JSON."""
    print(as_json(value, orjson.OPT_INDENT_2))


def print_json_line(value: Any) -> None:
    """Prints one value as JSON on one line, and flushes."""
    print(as_json(value), flush=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Prints aligned columns. right: the columns to align on the right (numbers)."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(clean(column)), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console().print(table)


def console() -> Console:
    """A console for standard output."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else WIDE)


def shown(value: Any) -> str:
    """A value for people, with no character that controls a terminal."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):  # a series by year
        return (
            " ".join(f"{clean(str(year))}:{shown(count)}" for year, count in sorted(value.items()))
            or "no year"
        )
    if isinstance(value, float):
        return f"{value:,.2f}" if value >= 1 or not value else f"{value:.3g}"
    return clean(str(value))


def exactly(value: Any) -> str:
    """As `shown`, but a text keeps all its characters (`exact`)."""
    return exact(value) if isinstance(value, str) else shown(value)


def print_profile(profile: Mapping[str, Any]) -> None:
    """Prints a snapshot, the most asked numbers first."""
    if profile.get("redirect"):
        old, new = exact(profile["author_id"]), exact(profile["redirect"])
        print(f"{old} is merged into {new}, which has all its papers: scholarstream profile {new}")
        return
    _print_headline(profile)
    for basis, metrics in profile["metrics"].items():
        print(f"{exact(basis)}: " + ", ".join(f"{name} {shown(value)}" for name, value in metrics.items()))
    for entry in profile["reported"]:
        _print_reported(entry)
    print()
    _print_papers(profile["papers"])
    left = profile["papers_total"] - len(profile["papers"])
    if left > 0:
        print(f"and {left:,} more papers")


def _print_headline(profile: Mapping[str, Any]) -> None:
    """The name, the version, and the leading numbers."""
    headline = profile["headline"]
    field = f", {profile['field']}" if profile.get("field") else ""
    print(f"{_named(profile)} ({exact(profile['author_id'])}{clean(field)})")
    at = (
        f"at {clean(profile['cut'])}"
        if "cut" in profile
        else f"version {profile['generation']}.{profile['version']}"
    )
    print(f"as of {shown(profile['as_of'])}, {at}, counts: {exact(headline['basis'])}")
    print()
    figures = [
        ("h-index", "h_index"),
        ("papers", "papers"),
        ("citations", "citations"),
        ("novelty", "novelty"),
        ("AI score", "ai_score"),
    ]
    print(
        "   ".join(
            f"{name} {'not known yet' if headline[key] is None else shown(headline[key])}"
            for name, key in figures
        )
    )


def _print_reported(entry: Mapping[str, Any]) -> None:
    """The numbers of another source, and which of them are impossible or incomplete."""
    numbers = ", ".join(
        f"{name} {shown(value)}"
        for name, value in entry.items()
        if name not in ("source", "as_of", "violations")
    )
    print(f"reported by {exact(entry['source'])} as of {clean(entry['as_of'])}: {numbers}")
    for code in entry.get("violations", ()):
        known = violations.BY_CODE.get(code)
        print(clean(f"  {'incomplete' if known and not known.impossible else 'impossible'}: {code}"))


def _print_papers(papers: Sequence[Mapping[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("citations", "published", "field", "title", "authors"):
        table.add_column(name, justify="right" if name == "citations" else "left", overflow="fold")
    for paper in papers:
        more = paper["authors_total"] - len(paper["authors"])
        authors = ", ".join(paper["authors"]) + (f" and {more:,} more" if more > 0 else "")
        cells = (
            paper["citations"],
            paper.get("published"),
            paper.get("field"),
            titled(paper["title"]),
            authors,
        )
        table.add_row(*(Text(shown(cell)) for cell in cells))
    console().print(table)


def print_comparison(found: Mapping[str, Any]) -> None:
    """Prints what changed between two points (services.history.portfolio.compare)."""
    print(f"{_named(found)} ({exact(found['author_id'])})")
    for word, end in (("from", found["before"]), ("to  ", found["after"])):
        print(
            f"{word} {clean(end['point'])}: {clean(end['cut'])}"
            + ("" if end["known"] else " (not known yet)")
        )
    numbers = [
        (basis, name, moved) for basis, metrics in found["metrics"].items() for name, moved in metrics.items()
    ]
    numbers += [
        (series, year, moved)
        for series, years in found["years"].items()
        for year, moved in sorted(years.items())
    ]
    if numbers:
        print()
        changed = (
            (exact(what), name, moved["before"], moved["after"], _gain(moved))
            for what, name, moved in numbers
        )
        print_table(("of", "number", "before", "after", ""), changed, right=("before", "after", ""))
    papers = [(title, paper) for key, title in WENT_AND_CAME.items() for paper in found[key]]
    if papers:
        print()
        listed = (
            (what, exact(paper["paper_id"]), _note_on(paper), titled(paper["title"]))
            for what, paper in papers[:LISTED]
        )
        print_table(("paper", "id", "", "title"), listed)
        _print_rest(len(papers))
    if found["citations"]:
        print()
        cited = (
            (_gain(paper), paper["before"], paper["after"], titled(paper["title"]))
            for paper in found["citations"][:LISTED]
        )
        print_table(("citations", "before", "after", "paper"), cited, right=("citations", "before", "after"))
        _print_rest(len(found["citations"]))
    if not (numbers or papers or found["citations"]):
        print("nothing changed")


def _note_on(paper: Mapping[str, Any]) -> str:
    if "changed" in paper:
        return ", ".join(paper["changed"]) or "in fields not listed here"
    return f"{paper['citations']:,} citation{'' if paper['citations'] == 1 else 's'}"


def _gain(moved: Mapping[str, Any]) -> str:
    before, after = moved["before"], moved["after"]
    if not (isinstance(before, int | float) and isinstance(after, int | float)):
        return ""
    return ("-" if after < before else "+") + shown(abs(after - before))


def _print_rest(count: int) -> None:
    if count > LISTED:
        print(f"… and {count - LISTED:,} more; --json prints all")


def print_reason(found: Mapping[str, Any]) -> None:
    """Prints why a number is what it is (services.history.portfolio.explain)."""
    value = found["value"]
    text = (
        ", ".join(f"{name} {shown(count)}" for name, count in sorted(value.items()))
        if isinstance(value, Mapping)
        else shown(value)
    )
    print(f"{_named(found)} ({exact(found['author_id'])})")
    print(f"{clean(found['metric'])} on the basis {exact(found['basis'])}: {text}")
    print(clean(found["sentence"]))
    if found["papers"]:
        print()
        columns = (*found["columns"], "published", "title")
        listed = [{**paper, "title": titled(paper["title"])} for paper in found["papers"][:LISTED]]
        rows = ([paper[column] for column in columns] for paper in listed)
        print_table(columns, rows, right=found["columns"])
        _print_rest(len(found["papers"]))
        print()
    step = found["next"]
    if step is not None:
        print(clean(f"For {step['value']:,}: {step['needs']}."))
        if step["papers"]:
            lacking = ((p["lacks"], p["citations"], titled(p["title"])) for p in step["papers"][:LISTED])
            print_table(("lacks", "citations", "title"), lacking, right=("lacks", "citations"))


def snapshot_line(profile: Mapping[str, Any]) -> str:
    """A snapshot as one line."""
    headline = profile["headline"]
    counts = (
        f"papers {headline['papers']:,}  citations {headline['citations']:,}  h-index {headline['h_index']:,}"
    )
    author = f"{_named(profile)} ({exact(profile['author_id'])})"
    return f"{author}  {counts}  version {profile['generation']}.{profile['version']}"


def _named(profile: Mapping[str, Any]) -> str:
    return clean(profile["name"]) if profile.get("name") else exact(profile["author_id"])


# ---- files


DESCRIPTOR = re.compile(
    r"/dev/(?:std(?P<name>out|err)|fd/(?P<number>[0-9]{1,9}))|/proc/(?:self|thread-self)/fd/(?P<same>[0-9]{1,9})"
)


@contextlib.contextmanager
def output(path: str) -> Iterator[TextIO]:
    """Opens the target of `--output`; - is standard output. Error: UsageError when it cannot be written.

    A file appears when it is complete: it is written under a temporary name in the same folder, then renamed.
    A pipe, a device or a descriptor (/dev/stdout) is written directly. A symbolic link is refused, so that no
    other user's link decides which file is replaced.
    """
    if path == "-":
        # Writers use write() alone, which a _Clean has.
        yield cast(TextIO, _Clean(sys.stdout)) if sys.stdout.isatty() else sys.stdout
    elif (special := _special(path)) is not None:
        with special as file:
            yield file
    else:
        with _new_file(path) as file:
            yield file


class _Clean:
    """A terminal as a file: control characters become visible."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(lines(text))


def _special(path: str) -> TextIO | None:
    """An open pipe, device or descriptor; None for a path that can be replaced by a new file."""
    try:
        if handed := DESCRIPTOR.fullmatch(path):
            number = (
                {"out": 1, "err": 2}[handed["name"]]
                if handed["name"]
                else int(handed["number"] or handed["same"])
            )
            return os.fdopen(os.dup(number), "w", encoding="utf-8", newline="")
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return None
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "w", encoding="utf-8", newline="")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _cannot(path, error) from None


@contextlib.contextmanager
def _new_file(path: str) -> Iterator[TextIO]:
    target = Path(path)
    if target.is_symlink():
        raise UsageError(
            f"--output {path} is a symbolic link, which is not followed; name the file itself: "
            f"{os.path.realpath(path)}"
        )
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "is a folder")
        draft = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex}.part")
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except (OSError, ValueError) as error:
        raise _cannot(path, error) from None
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except OSError as error:
        raise _cannot(path, error) from None
    finally:
        draft.unlink(missing_ok=True)


def _cannot(path: str, error: Exception) -> UsageError:
    return UsageError(f"--output {path}: {getattr(error, 'strerror', None) or error}")


@contextlib.contextmanager
def reporter() -> Iterator[Callable[..., None]]:
    """Gives report(line, fraction), which prints progress on standard error; fractions only on a terminal."""
    screen = Console(stderr=True, highlight=False)
    if not screen.is_terminal:

        def say(line: str, fraction: float | None = None) -> None:
            if fraction is None:
                tell(line)

        yield say
        return
    with screen.status("") as status:

        def show(line: str, fraction: float | None = None) -> None:
            status.update(Text(clean(line if fraction is None else f"{line} {fraction:.0%}")))

        yield show


__all__ = [
    "as_json",
    "clean",
    "exact",
    "exactly",
    "lines",
    "meant",
    "output",
    "print_json",
    "safe_json",
    "shown",
    "tell",
]
