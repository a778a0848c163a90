"""Bars by year as SVG, drawn with attributes only (the page's policy allows no inline style), readable without seeing them."""

from collections.abc import Mapping

from services.viewer.pages.html import Html, tag
from services.viewer.pages.words import number

WIDTH, HEIGHT = 340, 132  # user units; the text is 11 of them high
TOP, BOTTOM = 18, 20  # room for values and years
LABEL = 34  # a year needs that much room, a value that much a digit times LETTER
LETTER = 6.6
MOST = 60  # bars; before them the years are one bar


def bars(title: str, series: Mapping[str, int], unit: str, key: str) -> Html:
    """A figure: one bar a year, from the first to the last year with anything. key: tells the chart apart in the document."""
    counts = {int(year): count for year, count in series.items() if count}
    if not counts:
        return tag("figure", tag("figcaption", title), tag("p", "Nothing dated yet.", class_="muted"), class_="chart", data_live=key)
    first, last = min(counts), max(counts)
    first = max(first, last - MOST + 1)
    earlier = sum(count for year, count in counts.items() if year < first)
    years = list(range(first, last + 1))
    told = (f"before {first}: {number(earlier)}; " if earlier else "") + "; ".join(
        f"{y}: {number(counts[y])}" for y in years if counts.get(y)
    )
    most = max(counts.values())
    step = min(WIDTH / len(years), 40)
    left = (WIDTH - step * len(years)) / 2
    thick = max(1.0, step * 0.72)
    every = -(-LABEL // step)
    roomy = len(number(most)) * LETTER <= step
    drawn = []
    for at, year in enumerate(years):
        count = counts.get(year, 0)
        height = count / most * (HEIGHT - TOP - BOTTOM)
        x, y = left + at * step + (step - thick) / 2, HEIGHT - BOTTOM - height
        middle = x + thick / 2
        label = count > 0 and (roomy or count == most)
        drawn.append(
            tag(
                "g",
                tag("title", f"{year}: {number(count)} {unit}"),
                tag("rect", class_="reach", x=f"{left + at * step:.1f}", y=0, width=f"{step:.1f}", height=HEIGHT - BOTTOM),
                tag("rect", class_="bar", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{thick:.1f}", height=f"{height:.1f}", rx=1.5),
                label and tag("text", number(count), class_="value", x=f"{middle:.1f}", y=f"{y - 4:.1f}"),
                (len(years) - 1 - at) % every == 0 and tag("text", year, x=f"{middle:.1f}", y=HEIGHT - 6),
            )
        )
    base = HEIGHT - BOTTOM
    axis = tag("line", class_="axis", x1=0, x2=WIDTH, y1=base, y2=base)
    picture = tag("svg", axis, drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title}: {told}")
    note = f" (before {first}: {number(earlier)})" if earlier else None
    return tag("figure", tag("figcaption", title, note), picture, class_="chart", data_live=key)
