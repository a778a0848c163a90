"""Makes texts safe for a terminal, a log line and JSON: no control character acts, and ids can be copied
back.
"""

import re
import sys

from shared.ids import visible

UNTITLED = "(untitled)"  # shown for a blank title
# Characters that act on a terminal: controls (C0, DEL, C1), line breaks, and the embeddings, overrides and
# isolates of bidirectional text. Joiners (ZWJ, ZWNJ) are not among them: many names need them.
OBEYED = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff"
BLANKS = "\t\n\v\f\r\x85\xa0\u2007\u202f\u2028\u2029"  # line breaks and no-break spaces
_OBEYED = re.compile(f"[{OBEYED}]")
_IN_LINES = re.compile(f"(?!\n)[{OBEYED}]")
_BLANK = re.compile(f"\r\n|[{BLANKS}]")
_UNSEEN = re.compile(
    rf"[{OBEYED}{BLANKS}\u1680\u2000-\u200a\u205f\u3000\ufeff]|\A | \Z|\\(?=u[0-9a-fA-F]{{4}})"
)
_ESCAPE = re.compile(r"\\u((?![dD][89a-fA-F])[0-9a-fA-F]{4})")  # half of a surrogate pair is not a character


def clean(text: str) -> str:
    """A title or a name on one line.

    Line breaks and no-break spaces become a space, control characters an escape.
    """
    return text if text.isprintable() else _OBEYED.sub(_escape, _BLANK.sub(" ", text))


def titled(title: str | None) -> str:
    """The title of a paper, or UNTITLED for a blank one."""
    return title if title and visible(title).replace("\u2800", "").strip() else UNTITLED


def exact(text: str) -> str:
    """An id that can be copied back. Control characters and unusual blanks become \\u and four digits.

    Different ids look different. `meant` is the inverse.
    """
    return _UNSEEN.sub(_escape, text)


def meant(text: str) -> str:
    """The id that `exact` shows as this text. Any other text is returned unchanged."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def lines(text: str) -> str:
    """A message of one or more lines. Control characters become escapes; line breaks stay."""
    return _IN_LINES.sub(_escape, text)


def safe_json(raw: bytes) -> str:
    """An equivalent JSON text without control characters.

    Only strings hold them, and there an escape means the same.
    """
    if raw.isascii() and b"\x7f" not in raw:
        return raw.decode()
    return _IN_LINES.sub(_escape, raw.decode())


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def tell(message: str) -> None:
    """Prints a message on standard error. Standard output is for results."""
    print(lines(message), file=sys.stderr, flush=True)
