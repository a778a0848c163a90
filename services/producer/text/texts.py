"""Titles and abstracts as plain text: without HTML, JATS, MathML, entities, LaTeX and broken encodings."""

import functools
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

# An element counts as markup only with a known name, because "a <b and c> d" is a text too.
_BLOCK = (
    "abstract|blockquote|br|caption|center|dd|def-list|disp-formula|disp-formula-group|disp-quote|div|dl|dt|fig|figure"
    "|footer|h[1-6]|header|hr|label|li|list|list-item|listitem|ol|p|para|pre|sec|section|simplesect|table|tbody|td|tex-math"
    "|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|abbrev|alternatives|b|big|bold|cite|code|custom-characterstyle|del|dfn|em|emph|emphasis|ext-link|fixed-case"
    "|fn|font|g|graphic|i|img|inf|inline|inline-formula|inline-graphic|ins|institution|ital|it|italic|kbd|large|mark"
    "|monospace|named-content|nobr|q|ref|roman|s|sans-serif|sc|scp|small|small-caps|span|strike|strong|styled-content|sub"
    "|subscript|sup|superscript|tt|ty|u|ulink|under|underline|uri|var|volume|wbr|xref"
)
_MATHML = (
    "math|mi|mn|mo|ms|mtext|mspace|mrow|msub|msup|msubsup|mfrac|msqrt|mroot|mover|munder|munderover|mfenced|mstyle"
    "|mpadded|mphantom|menclose|merror|mtable|mtr|mtd|mmultiscripts|mprescripts|none|semantics|annotation|annotation-xml"
)
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*"""
_TAG = re.compile(
    rf"<(?P<end>/?)(?:(?:jats|mml|m|xhtml|html|ns\d+|inline):)?"
    rf"(?:(?P<block>{_BLOCK})|(?:{_INLINE})|(?P<math>{_MATHML})){_ATTRIBUTES}(?P<empty>/?)>|(?P<comment><!--)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!\[CDATA\[|\]\]>|<\?[a-z][^<>]*\?>", re.IGNORECASE)
_HEADING = re.compile(r"(?:abstract|summary|résumé|zusammenfassung|resumen)[.:]?", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BARE = re.compile(r"(?<!\\)([%&#$])")  # LaTeX would read them as a comment, a column, a parameter, a formula
# Within these the whole text is parsed at once: displayed formulas, and environments over many words.
_WHOLE = re.compile(r"\\(?:begin|end|\[|\()")
_MARK = re.compile(r"\\.|[{}]|\s", re.DOTALL)
_OPEN_COMMAND = re.compile(r"\\(?:[A-Za-z]+|[^A-Za-z\s{}])\Z")  # its argument may be the next word
_LONGEST_COMMAND = 40  # characters
_LONGEST_PARSED = 20_000  # characters; half a second. Real abstracts are shorter
_MATH = re.compile(r"((?<!\\)(?:\$\$[^$]+\$\$|\$(?:[^$\\]++|\\.)+\$))")


# Two bytes of UTF-8 as cp1252, Latin-1 or cp1251 show them. Only such a text is worth a second look: it is 50
# times
# quicker to find them than to ask ftfy.
_SUSPECT = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2026\u2030\u2039\u203a"
    "\u20ac\u2122]|[\u0420\u0421][\u0080-\u00bf\u0401-\u040f\u0451-\u045f\u0490\u0491\u2013-\u2026\u2030\u2039\u203a\u20ac\u2116"
    "\u2122]"
)


def plain(text: str | None) -> str:
    """One line of text in NFC: no tags, no entities, no mojibake. "" for None and "null".

    `$…$` and LaTeX stay as written (`latex`). The text of an element stays; a block element parts words. An
    abstract's heading "Abstract" and the annotations of MathML go.
    """
    if not text or text == "null":
        return ""
    if "&" in text:
        text = _unescaped(text)
    if "<" in text:
        text = _without_tags(text)
        if "&" in text:  # entities inside of elements that were escaped themselves
            text = _unescaped(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _decoded(text))
    elif text.isprintable() and "  " not in text:  # its only blanks are single spaces
        return text.strip()
    return " ".join(text.split())


def _unescaped(text: str) -> str:
    """Entities as characters, also when they were escaped twice."""
    once = html.unescape(text)
    return html.unescape(once) if "&" in once and once != text else once


def _without_tags(text: str) -> str:
    """The text outside of tags. One pass, so that a text of opening tags alone costs no more than another."""
    text = _COMMENT.sub("", text)
    found: list[str] = []
    in_math, heading, at, skipping = 0, None, 0, None  # skipping: the element whose text goes
    for tag in _TAG.finditer(text):
        if tag.start() < at:  # in a comment
            continue
        between = text[at : tag.start()]
        at = tag.end()
        if tag["comment"]:
            found.append(between)
            end = text.find("-->", at)
            if end < 0:
                at = tag.start()
                break
            at = end + 3
            continue
        name, closes = (tag["block"] or tag["math"] or "").lower(), bool(tag["end"])
        if skipping is None:
            found.append(between.strip() if in_math else between)
        if closes and name == skipping:
            skipping = None
        elif skipping is None and name.startswith("annotation") and not closes and not tag["empty"]:
            skipping = name
        if name == "math" and not tag["empty"]:
            in_math = max(0, in_math - 1) if closes else in_math + 1
        if name == "title" and closes and heading == len(found) - 1 and _HEADING.fullmatch(between.strip()):
            found.pop()
        heading = len(found) + 1 if name == "title" and not closes else None
        if tag["block"]:
            found.append(" ")
    return "".join([*found, text[at:]])


def _decoded(text: str) -> str:
    """The text that was meant, when UTF-8 was read as another encoding; else the text itself."""
    text = _SURROGATE.sub("\ufffd", text)
    if not _SUSPECT.search(text):
        return text
    is_bad, repaired = _repairer()
    return str(repaired(text)) if is_bad(text) else text


@functools.cache
def _repairer() -> tuple[Any, Any]:
    """(is the encoding broken?, repair). Loaded when a text needs it."""
    import ftfy
    from ftfy.badness import is_bad

    return is_bad, ftfy.fix_encoding


def latex(text: str | None) -> str:
    """The text that LaTeX prints, on one line, like `plain`: accents, \\emph{…}. Formulas stay as written.

    Braces outside of formulas go. A bare % or & is a character, not a command.
    """
    text = plain(text)
    if "\\" not in text and "{" not in text and "}" not in text:
        return text
    # Every second part is a formula.
    parts = [part if at % 2 else _printed(part) for at, part in enumerate(_MATH.split(text))]
    return " ".join(unicodedata.normalize("NFC", "".join(parts)).split())


def _printed(text: str) -> str:
    """The text without its formulas. Only the words that hold LaTeX are parsed: that is a hundred times
    faster.
    """
    if "\\" not in text:
        return _without_braces(text)
    if _WHOLE.search(text):
        return _parsed(text)
    return "".join(_parsed(word) if "\\" in word else _without_braces(word) for word in _words(text))


def _without_braces(text: str) -> str:
    return text.replace("{", "").replace("}", "")


def _words(text: str) -> Iterator[str]:
    """The text in pieces that end behind a blank outside of braces. A command and what it stands before are
    one.
    """
    depth = start = 0
    for mark in _MARK.finditer(text):
        if mark[0] == "{":
            depth += 1
        elif mark[0] == "}":
            depth = max(0, depth - 1)
        elif depth == 0 and mark[0].isspace():
            at = mark.start()
            if not _OPEN_COMMAND.search(text, max(start, at - _LONGEST_COMMAND), at):
                yield text[start : mark.end()]
                start = mark.end()
    yield text[start:]


@functools.lru_cache(maxsize=1 << 14)
def _parsed(text: str) -> str:
    if len(text) > _LONGEST_PARSED:
        return text
    try:
        return str(_converter().latex_to_text(_BARE.sub(r"\\\1", text)))
    except Exception:  # any error of a parser of free text; the text as written is right
        return text


@functools.cache
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="verbatim", keep_comments=True)
