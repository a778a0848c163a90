"""Bars by year as SVG, readable for screen readers too.

Only attributes: the page's policy allows no inline style.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.viewer.pages.html import Html, tag
from services.viewer.pages.words import number

WIDTH, HEIGHT = 340, 132  # user units; text is 11 units high
TOP, BOTTOM = 18, 20  # room for values and for years
BASE = HEIGHT - BOTTOM
LABEL = 34  # room for a year
LETTER = 6.6  # room for a digit of a value
WIDEST_STEP = 40
MOST = 60  # bars; the years before them are counted in words


class Span(NamedTuple):
    """The years of a chart, and what lies outside of them, in words ("" where nothing does)."""

    years: Sequence[int]
    before: str
    after: str


def bars(title: str, series: Mapping[str, int], unit: str, key: str, until: int) -> Html:
    """A figure with one bar a year. key: names the chart in the document; until: the year of the snapshot's
    day.

    The last bar is the last year with a count up to `until`. Later years, and years more than MOST before the
    last one, are counted in words beside the title. One wrong date must not squeeze all other bars.
    """
    counts = {int(year): count for year, count in series.items() if count}
    if not counts:
        nothing = tag("p", "Nothing dated yet.", class_="muted")
        return tag("figure", tag("figcaption", title), nothing, class_="chart", data_live=key)
    span = _span(counts, until)
    outside = "; ".join(filter(None, (span.before, span.after)))
    caption = tag("figcaption", title, f" ({outside})" if outside else None)
    if not any(counts.get(year) for year in span.years):
        nothing = tag("p", f"Nothing up to {until}.", class_="muted")
        return tag("figure", caption, nothing, class_="chart", data_live=key)
    values = [f"{year}: {number(counts[year])}" for year in span.years if counts.get(year)]
    spoken = "; ".join(filter(None, [span.before, *values, span.after]))
    axis = tag("line", class_="axis", x1=0, x2=WIDTH, y1=BASE, y2=BASE)
    picture = tag(
        "svg",
        axis,
        _bars(counts, span.years, unit),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}: {spoken}",
    )
    return tag("figure", caption, picture, class_="chart", data_live=key)


def _span(counts: Mapping[int, int], until: int) -> Span:
    last = max((year for year in counts if year <= until), default=until)
    first = min((year for year in counts if last - MOST < year <= last), default=last)
    earlier = sum(count for year, count in counts.items() if year < first)
    later = sum(count for year, count in counts.items() if year > last)
    return Span(
        range(first, last + 1),
        f"before {first}: {number(earlier)}" if earlier else "",
        f"after {until}: {number(later)}" if later else "",
    )


def _bars(counts: Mapping[int, int], years: Sequence[int], unit: str) -> list[Html]:
    """One group a year: an area to point at, the bar, its value and its year where there is room."""
    most = max(counts.get(year, 0) for year in years)
    step = min(WIDTH / len(years), WIDEST_STEP)
    left = (WIDTH - step * len(years)) / 2
    thick = max(1.0, step * 0.72)
    every = -(-LABEL // step)  # of so many years one is labelled
    has_room = len(number(most)) * LETTER <= step
    drawn = []
    for at, year in enumerate(years):
        count = counts.get(year, 0)
        height = count / most * (BASE - TOP)
        start, x, y = left + at * step, left + at * step + (step - thick) / 2, BASE - height
        middle = f"{x + thick / 2:.1f}"
        bar = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{thick:.1f}", "height": f"{height:.1f}"}
        is_valued = count > 0 and (has_room or count == most)
        is_dated = (len(years) - 1 - at) % every == 0
        drawn.append(
            tag(
                "g",
                tag("title", f"{year}: {number(count)} {unit}"),
                tag("rect", class_="reach", x=f"{start:.1f}", y=0, width=f"{step:.1f}", height=BASE),
                tag("rect", class_="bar", **bar, rx=1.5),
                is_valued and tag("text", number(count), class_="value", x=middle, y=f"{y - 4:.1f}"),
                is_dated and tag("text", year, x=middle, y=HEIGHT - 6),
            )
        )
    return drawn
