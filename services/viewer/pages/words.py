"""Numbers, dates, flags and coverage in words."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from services.viewer.pages.isolation import isolated
from shared.metrics import flags

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOT_COMPUTED = "not computed yet"


def number(value: float | None) -> str:
    """The number with thousands separators and at most two decimals: "9,483"."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def measure(metric: str, value: float | Mapping[str, int] | None) -> str:
    """A metric's value for people.

    Novelty is a percentage. A series is its sum and its years. Numbers below 1 have three significant digits.
    """
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        first, last = min(value, default=None), max(value, default=None)
        span = "no year" if first is None else first if first == last else f"{first}–{last}"
        return f"{number(sum(value.values()))} in {span}"
    if isinstance(value, float) and 0 < value < 1 and metric != "novelty":
        return f"{float(f'{value:.3g}'):.6f}".rstrip("0")
    return f"{number(round(value * 100, 1))}%" if metric == "novelty" else number(value)


def plural(count: float, one: str, many: str | None = None) -> str:
    """The number and its noun: "1 paper", "2 papers"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def day(written: str | None) -> str | None:
    """A date in words: "2022-07-05" → "Jul 5, 2022"; "2022-07" → "Jul 2022"; "2022" → "2022".

    Of a time its day; anything else as it is.
    """
    try:
        year, *rest = (written or "").split("T")[0].split("-")
        month = MONTHS[int(rest[0]) - 1] if rest else ""
        if written and len(rest) > 1:
            date.fromisoformat(written.split("T")[0])
            return f"{month} {int(rest[1])}, {int(year)}"
        return f"{month} {int(year)}".strip()
    except (ValueError, IndexError):
        return written or None


def moment(timestamp_ms: int) -> tuple[str, str]:
    """(ISO 8601, text for people), both in UTC. timestamp_ms: milliseconds since the epoch."""
    when = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    exact = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return exact, f"{MONTHS[when.month - 1]} {when.day}, {when:%Y, %H:%M:%S} UTC"


def day_of(timestamp_ms: int) -> str:
    """The day of a time in words, UTC. timestamp_ms: milliseconds since the epoch."""
    return day(moment(timestamp_ms)[0]) or ""


def basis_of(basis: str) -> str:
    """ "references" → "counted from reference lists"; "counted:openalex" → "counted by openalex"."""
    kind, _, source = basis.partition(":")
    return f"counted by {isolated(source)}" if kind == "counted" else "counted from reference lists"


def flag(code: str) -> str:
    """A flag as a sentence. A code of a later release is shown as it is."""
    return flags.BY_CODE[code].words if code in flags.BY_CODE else code.replace("_", " ").capitalize() + "."


def coverage(shares: Mapping[str, float | None]) -> list[str]:
    """The coverage in words: one sentence for each share."""
    sentences = []
    for what, share in shares.items():
        if what == "novelty" and share is None:
            continue
        name = {"references": "References", "novelty": "Novelty"}.get(
            what, what.replace("_", " ").capitalize()
        )
        if share is None and what == "references":
            sentences.append("References: the papers came without any, so they cite no paper here.")
        elif share is None:
            sentences.append(f"{name}: the share that leads to papers known here is not measured yet.")
        elif what == "references":
            percent = number(round(share * 100, 1))
            sentences.append(
                f"References: {percent}% lead to papers known here; the others count for no author yet."
            )
        else:
            sentences.append(f"{name}: known for {number(round(share * 100, 1))}% of the papers.")
    return sentences
