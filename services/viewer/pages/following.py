"""What pages of lists have in common: the state of the page, notes, and how they follow the log."""

from services.viewer.pages.html import Child, Html, join, tag

POLL = ""  # no stream: the page asks every few seconds. A stream of everybody would cost more
SCRIPT = tag("script", type="module", src="/static/lists.js")  # for the head of a page that follows


def followed(events: str | None, *content: Child) -> Html:
    """The content, kept up to date by the events at this address, or by POLL. None: it stays as it is."""
    return join(content) if events is None else tag("div", content, data_follow=events)


def state(events: str | None) -> Html | None:
    """A line that says whether the page is live. None for a page that follows nothing."""
    if events is None:
        return None
    without = "Without JavaScript this page does not update itself. Reload it for newer numbers."
    return tag(
        "div",
        tag("p", tag("span", "Snapshot", class_="live", id="live", data_state="still")),
        tag("noscript", tag("p", without, class_="note")),
        class_="state brief",
    )


def script(events: str | None) -> Html | None:
    """The script of a page that follows events."""
    return None if events is None else SCRIPT


def note(text: str | None) -> Html | None:
    """A remark on the whole page."""
    return tag("p", text, class_="note", role="status") if text else None


def demo_banner(demo: bool) -> Html | None:
    """Says that the log has a simulated literature."""
    if not demo:
        return None
    said = " Most of this log is a simulated literature: no such people wrote these papers."
    return tag("p", tag("strong", "Demo."), said, class_="banner")
