"""The generated parts of docs/: contracts (shared/contracts/schemas.py), and the tables of
docs/operations.md.
"""

from pathlib import Path

from shared.contracts import schemas
from shared.settings import rows
from shared.telemetry.registry import Telemetry

FOLDER = Path(__file__).resolve().parents[2] / "docs"  # of a checkout
OPERATIONS = "operations.md"


def stale(folder: Path = FOLDER) -> list[str]:
    """The paths below `folder` that are outdated."""
    found = schemas.stale(folder)
    text = _operations(folder)
    return found if text == (folder / OPERATIONS).read_text("utf-8") else [*found, OPERATIONS]


def write(folder: Path = FOLDER) -> None:
    """Writes all generated parts anew."""
    schemas.write(folder)
    (folder / OPERATIONS).write_text(_operations(folder), "utf-8")


def settings_table() -> str:
    """The table of all settings, in Markdown."""
    lines = ["| variable | flag | default | right values | |", "|---|---|---|---|---|"]
    for row in rows():
        meaning = row.description + (f" Unit: {row.unit}." if row.unit else "")
        lines.append(
            f"| `{row.variable}` | {f'`{row.flag}`' if row.flag else 'none'} | {row.default} | {row.right} | "
            f"{meaning} |"
        )
    return "\n".join(lines)


def metrics_table() -> str:
    """The table of all Prometheus metrics, in Markdown."""
    lines = ["| metric | kind | unit | labels | |", "|---|---|---|---|---|"]
    for one in Telemetry().definitions:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.kind} | {one.unit} | {labels} | {one.meaning} |")
    return "\n".join(lines)


def _operations(folder: Path) -> str:
    """docs/operations.md with current tables. The rest of it is written by hand."""
    text = (folder / OPERATIONS).read_text("utf-8")
    for name, table in (("settings", settings_table()), ("metrics", metrics_table())):
        begin, end = f"<!-- {name}: generated -->\n", f"\n<!-- end of {name} -->"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not (found and closed):
            raise ValueError(
                f"{folder / OPERATIONS} has no place for {name}: {begin.strip()} … {end.strip()}"
            )
        text = head + begin + table + end + tail
    return text
