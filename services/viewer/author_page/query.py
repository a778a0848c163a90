"""Reads how the list of papers is asked for from the query of the page."""

from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.viewer.pages.view import View
from services.viewer.routes.lists import FIELD, POSITION, SORT, VENUE, YEARS
from services.viewer.web.parameters import integer

LAST_PAGE = 10_000
PAGE = integer("page", "Page of the list, from 1.", least=1, most=LAST_PAGE, default=1)
PARAMETERS = (SORT, *YEARS, FIELD, VENUE, POSITION, PAGE)


def view_of(request: Request) -> View:
    """The list that is asked for. Forms send blanks, so a blank is no value. Error: HTTPException 400."""
    values: dict[str, Any] = {}
    for one in PARAMETERS:
        given = request.query_params.get(one.name, "").strip()
        if not given:
            continue
        value = one.read(given)
        if value is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"{one.name}: {one.right}")
        values[one.name] = value
    return View(**values)
