"""Two pictures of an author as SVG, readable for screen readers too: h-index over time, and the ranked papers
with h and g drawn in.

Only attributes: the page's policy allows no inline style.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import sqrt
from typing import TypeAlias

from services.viewer.pages.charts import WIDTH
from services.viewer.pages.html import Html, tag
from services.viewer.pages.words import day_of, number, plural
from services.viewer.store.author_view import Step

HEIGHT = 190  # user units; text is 11 units high
LEFT, RIGHT, TOP, BOTTOM = 34, 10, 16, 24  # room for labels
INNER_WIDTH, BASE = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM
INNER_HEIGHT = BASE - TOP
SPOKEN = 12  # values that are read out; of more, the first, the last and some between
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000)
CLOSE = 16  # user units between two labels at least

Scale: TypeAlias = Callable[[float], float]  # from a value to user units


def steps(title: str, changes: Sequence[Step], until_ms: int, key: str) -> Html:
    """A number over time, as the change records have it. changes: oldest first; until_ms: the right edge,
    in milliseconds since the epoch.
    """
    points = [(when, after) for when, _, after in changes if after is not None]
    if changes and changes[0][1] is not None:
        points.insert(0, (changes[0][0], changes[0][1]))
    if not points:
        nothing = tag("p", "No change of it is remembered here.", class_="muted")
        return tag("figure", tag("figcaption", title), nothing, class_="chart", data_live=key)
    first, last = points[0][0], max(until_ms, points[-1][0])
    most = max(1.0, *(value for _, value in points))

    def x(when: int) -> str:
        return f"{LEFT + INNER_WIDTH * (when - first) / max(1, last - first):.1f}"

    def y(value: float) -> str:
        return f"{BASE - INNER_HEIGHT * value / most:.1f}"

    path = [f"M{x(first)} {y(points[0][1])}"]
    for when, value in points[1:]:
        path.append(f"H{x(when)}V{y(value)}")
    path.append(f"H{WIDTH - RIGHT}")
    told = [f"{day_of(when)}: {number(value)}" for when, value in _some(points)]
    drawn = tag(
        "svg",
        _axes(),
        tag("path", class_="curve", d="".join(path)),
        _left(most, y(most)),
        tag("text", "0", class_="left", x=LEFT - 5, y=BASE + 4),
        tag("text", day_of(first), class_="start", x=LEFT, y=HEIGHT - 7),
        tag("text", day_of(last), class_="end", x=WIDTH - RIGHT, y=HEIGHT - 7),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}: {'; '.join(told)}",
    )
    caption = tag("figcaption", f"{title}, as published here since {day_of(first)}")
    return tag("figure", caption, drawn, class_="chart", data_live=key)


def ranked(citations: Sequence[int], total: int, h: int | None, g: int | None, key: str) -> Html:
    """Papers by rank, with their citations and the mean of all up to there, on scales of square roots.

    The first meets the diagonal at the h-index, the second at the g-index. citations: of the most cited
    papers, most first; total: of all papers; h, g: as the snapshot has them.
    """
    title = "Citations of the papers by rank"
    if not citations or not citations[0]:
        nothing = tag("p", "No paper is cited yet.", class_="muted")
        return tag("figure", tag("figcaption", title), nothing, class_="chart", data_live=key)
    count, most = len(citations), citations[0]
    widest = max(count, h or 0)
    means = [together / rank for rank, together in enumerate(accumulate(citations), 1)]

    def x(rank: float) -> float:
        return LEFT + INNER_WIDTH * sqrt(rank / widest)

    def y(value: float) -> float:
        return BASE - INNER_HEIGHT * sqrt(value / most)

    corner = min(widest, most)
    marks = [
        mark
        for mark in (("h", h), ("g", g))
        if mark[1] is not None and 0 < mark[1] <= corner and mark[1] <= count
    ]
    picture = tag(
        "svg",
        _axes(),
        _scale(most, widest, x, y),
        tag("line", class_="diagonal", x1=LEFT, y1=BASE, x2=f"{x(corner):.1f}", y2=f"{y(corner):.1f}"),
        tag("path", class_="curve faint", d=_path(means, x, y)),
        tag("path", class_="curve", d=_path(citations, x, y)),
        [_mark(name, value or 0, x, y) for name, value in marks],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_spoken(title, citations, total, h, g),
    )
    below = (
        "Each paper's citations, and above them the mean of all papers up to that rank (thin). They meet the "
        "diagonal at h and g. Scales of square roots."
    )
    shown = f" (the {number(count)} most cited)" if total > count else ""
    return tag(
        "figure",
        tag("figcaption", title, shown),
        picture,
        tag("p", below, class_="muted"),
        class_="chart",
        data_live=key,
    )


def _spoken(title: str, citations: Sequence[int], total: int, h: int | None, g: int | None) -> str:
    said = [f"{title}: {', '.join(number(one) for one in citations[:SPOKEN])}"]
    if len(citations) > SPOKEN:
        said.append(f"and {plural(total - SPOKEN, 'more paper')}")
    if h is not None:
        said.append(f"h-index {number(h)}: {plural(h, 'paper')} of at least {plural(h, 'citation')}")
    if g is not None:
        said.append(f"g-index {number(g)}: the {number(g)} most cited have at least {number(g)} on average")
    return "; ".join(said)


def _path(values: Sequence[float], x: Scale, y: Scale) -> str:
    drawn = [f"{x(rank):.1f} {y(value):.1f}" for rank, value in enumerate(values, 1)]
    return f"M{x(0):.1f} {y(values[0]):.1f}L" + "L".join(drawn)


def _mark(name: str, value: int, x: Scale, y: Scale) -> Html:
    across, up = x(value), y(value)
    return tag(
        "g",
        tag("title", f"{name}-index {number(value)}"),
        tag("path", class_="drop", d=f"M{LEFT} {up:.1f}H{across:.1f}V{BASE}"),
        tag("circle", class_=f"dot {name}", cx=f"{across:.1f}", cy=f"{up:.1f}", r=4),
        tag("text", f"{name} {number(value)}", class_="value end", x=f"{across - 7:.1f}", y=f"{up + 14:.1f}"
            if name == "h" else f"{up - 6:.1f}"),
    )  # fmt: skip


def _scale(most: int, widest: int, x: Scale, y: Scale) -> list[Html]:
    """Labels of both axes, not closer than CLOSE."""
    labels = [_left(most, f"{y(most):.1f}"), tag("text", number(widest), x=WIDTH - RIGHT, y=HEIGHT - 7,
                                                 class_="end")]  # fmt: skip
    before: float = TOP
    for tick in reversed([tick for tick in TICKS if tick < most]):
        if y(tick) - before >= CLOSE and BASE - y(tick) >= CLOSE / 2:
            labels.append(_left(tick, f"{y(tick):.1f}"))
            before = y(tick)
    before = WIDTH - RIGHT - CLOSE
    for tick in reversed([tick for tick in TICKS if tick < widest]):
        if before - x(tick) >= 2 * CLOSE and x(tick) - LEFT >= CLOSE / 2:
            labels.append(tag("text", number(tick), x=f"{x(tick):.1f}", y=HEIGHT - 7))
            before = x(tick)
    return labels


def _left(value: float, at: str) -> Html:
    return tag("text", number(value), class_="left", x=LEFT - 5, y=f"{float(at) + 4:.1f}")


def _axes() -> list[Html]:
    return [
        tag("line", class_="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=BASE, y2=BASE),
        tag("line", class_="axis", x1=LEFT, x2=LEFT, y1=TOP, y2=BASE),
    ]


def _some(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most SPOKEN points, the first and the last among them."""
    if len(points) <= SPOKEN:
        return list(points)
    last = len(points) - 1
    return [points[round(at * last / (SPOKEN - 1))] for at in range(SPOKEN)]
