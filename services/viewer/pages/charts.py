"""Bars by year as SVG, drawn with attributes only (the page's policy allows no inline style), readable without seeing them."""

from collections.abc import Mapping

from services.viewer.pages.html import Html, tag
from services.viewer.pages.words import number

WIDTH, HEIGHT = 340, 132  # user units; the text is 11 of them high
TOP, BOTTOM = 18, 20  # room for values and years
LABEL = 34  # a year needs that much room, a value that much a digit times LETTER
LETTER = 6.6
MOST = 60  # bars; the years before them are told in words


def bars(title: str, series: Mapping[str, int], unit: str, key: str, until: int) -> Html:
    """A figure: one bar a year, up to the last year with anything that is not after the year `until`; what is later, or MOST years
    earlier, is told in words beside the title: one date that is wrong must not squeeze the others. key: tells the chart apart in the
    document."""
    counts = {int(year): count for year, count in series.items() if count}
    if not counts:
        return tag(
            "figure",
            tag("figcaption", title),
            tag("p", "Nothing dated yet.", class_="muted"),
            class_="chart",
            data_live=key,
        )
    last = max((year for year in counts if year <= until), default=until)
    first = min((year for year in counts if last - MOST < year <= last), default=last)
    earlier = sum(count for year, count in counts.items() if year < first)
    later = sum(count for year, count in counts.items() if year > last)
    before = f"before {first}: {number(earlier)}" if earlier else ""
    after = f"after {until}: {number(later)}" if later else ""
    note = f" ({'; '.join(filter(None, (before, after)))})" if before or after else None
    years = list(range(first, last + 1))
    told = "; ".join(
        filter(None, [before, *(f"{y}: {number(counts[y])}" for y in years if counts.get(y)), after])
    )
    most = max(counts.get(year, 0) for year in years)
    if not most:
        nothing = tag("p", f"Nothing up to {until}.", class_="muted")
        return tag("figure", tag("figcaption", title, note), nothing, class_="chart", data_live=key)
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
                tag(
                    "rect",
                    class_="reach",
                    x=f"{left + at * step:.1f}",
                    y=0,
                    width=f"{step:.1f}",
                    height=HEIGHT - BOTTOM,
                ),
                tag(
                    "rect",
                    class_="bar",
                    x=f"{x:.1f}",
                    y=f"{y:.1f}",
                    width=f"{thick:.1f}",
                    height=f"{height:.1f}",
                    rx=1.5,
                ),
                label and tag("text", number(count), class_="value", x=f"{middle:.1f}", y=f"{y - 4:.1f}"),
                (len(years) - 1 - at) % every == 0 and tag("text", year, x=f"{middle:.1f}", y=HEIGHT - 6),
            )
        )
    base = HEIGHT - BOTTOM
    axis = tag("line", class_="axis", x1=0, x2=WIDTH, y1=base, y2=base)
    picture = tag(
        "svg", axis, drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title}: {told}"
    )
    return tag("figure", tag("figcaption", title, note), picture, class_="chart", data_live=key)
