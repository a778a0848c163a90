"""Texts as a terminal, a log line and JSON may have them: nothing in them is obeyed, and ids can be copied back."""

import re
import sys

# What a terminal obeys: controls (C0, DEL, C1), ends of lines, embeddings, overrides and isolates of the order of writing. Joiners (ZWJ,
# ZWNJ) are letters of many names.
OBEYED = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff"
BLANKS = "\t\n\v\f\r\x85\xa0\u2007\u202f\u2028\u2029"  # ends of lines, and blanks at which no line ends
_OBEYED = re.compile(f"[{OBEYED}]")
_IN_LINES = re.compile(f"(?!\n)[{OBEYED}]")
_BLANK = re.compile(f"\r\n|[{BLANKS}]")
_UNSEEN = re.compile(
    rf"[{OBEYED}{BLANKS}\u1680\u2000-\u200a\u205f\u3000\ufeff]|\A | \Z|\\(?=u[0-9a-fA-F]{{4}})"
)
_ESCAPE = re.compile(r"\\u((?![dD][89a-fA-F])[0-9a-fA-F]{4})")  # half of a pair is no character


def clean(text: str) -> str:
    """A text (a title, a name) on one line: ends of lines and unbreakable blanks become a blank, what a terminal obeys becomes visible."""
    return text if text.isprintable() else _OBEYED.sub(_escape, _BLANK.sub(" ", text))


def exact(text: str) -> str:
    """An id, so that it can be copied back: what a terminal obeys, and blanks that look like another one, as \\u and four digits.

    Different ids look different. `meant` gives the id again.
    """
    return _UNSEEN.sub(_escape, text)


def meant(text: str) -> str:
    """The id that `exact` shows so; any other text stays as it is."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def lines(text: str) -> str:
    """A message of one or more lines: what a terminal obeys becomes visible, except for the ends of its lines."""
    return _IN_LINES.sub(_escape, text)


def safe_json(raw: bytes) -> str:
    """A JSON text that says the same and has nothing in it that a terminal obeys: only strings hold such characters, and there
    an escape means the same."""
    if raw.isascii() and b"\x7f" not in raw:
        return raw.decode()
    return _IN_LINES.sub(_escape, raw.decode())


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def tell(message: str) -> None:
    """A sentence about what was done, on standard error: standard output is for what was asked."""
    print(lines(message), file=sys.stderr, flush=True)
