"""The authors of a paper in one line, each with a link to the author's page."""

from collections.abc import Collection, Sequence

from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart
from services.viewer.pages.words import number
from services.viewer.store.rows import Person
from services.viewer.urls import page_of

FIRST = 3  # names of a short byline; the author whose page it is replaces the last of them


def short_byline(
    people: Sequence[Person], total: int, bold: Collection[str] = (), *, cut: bool = False
) -> Html:
    """The first names and `bold` ones: "First Author, Second Author, **This Author** et al. (7)".

    people: as lists have them, in order of position; total: how many authors the record has; bold: ids of the
    author whose page it is; cut: the paper has more authors than its record, so nobody knows how many.
    """
    if not people:
        return join("no authors listed")
    own = [person for person in people if person["author_id"] in bold]
    front = [person for person in people if person["position"] <= FIRST]
    hidden = [person for person in own if person not in front][:1]
    named = front[: FIRST - 1] + hidden if hidden else front
    pieces: list[Html | str] = []
    for person in named:
        pieces += [", ", person_link(person, bold)]
    more = " et al." if cut else f" et al. ({number(total)})" if total > len(named) else None
    return join(pieces[1:], more)


def person_link(person: Person, bold: Collection[str] = ()) -> Html:
    """The name, bold for the author whose page it is, else a link. A person without an id has no link."""
    name = apart(person["name"] or person["author_id"])
    if person["author_id"] in bold:
        return tag("b", name)
    return tag("a", name, href=page_of(person["author_id"])) if person["author_id"] else name
