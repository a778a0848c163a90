"""Ids that are private to one person's library: a citation key means something in its own file only.

The user names the library (`--namespace lib`); its keys then become ids such as `bibtex:lib:Lee2020`.
"""

import re

from shared.contracts.refusals import Reason
from shared.errors import InputRefused

_RIGHT = re.compile(r"[A-Za-z0-9._-]{1,40}")


def is_namespace(text: str) -> bool:
    """Whether a text can name a library: 1 to 40 letters, digits, dots, dashes or low lines."""
    return _RIGHT.fullmatch(text) is not None


def private_id(scheme: str, namespace: str | None, key: str, field: str) -> str:
    """`scheme:namespace:key`. Error: InputRefused without a namespace or a key.

    field: where the record has its key, for the message.
    """
    if not namespace:
        hint = (
            f"has no DOI, arXiv or PubMed id, and keys of a {scheme} file mean something in that file only; "
            f"name the library with --namespace NAME, and its ids become {scheme}:NAME:KEY"
        )
        raise InputRefused(Reason.MISSING_FIELD, field, hint)
    if not key:
        raise InputRefused(
            Reason.MISSING_FIELD, field, f"must be given, the record has no other id ({scheme} record)"
        )
    return f"{scheme}:{namespace}:{key}"
