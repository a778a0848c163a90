"""How names and texts become words, for the index and for queries alike."""

import re
from zlib import crc32

from services.viewer.name_folding import APOSTROPHES, fold, joined

SHORTEST, LONGEST = 4, 32  # letters of a word whose typing errors are forgiven
SUFFIXES = 16  # beginnings within a word of a script without blanks
MOST_WORDS = 400  # of the names of one author

# Scripts written without blanks: Thai, Lao, Khmer, Burmese, kana, Han. Each of their signs is a word of its
# own in texts.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
)
_SIGN = re.compile(f"([{_UNSPACED}][{_MARKS}]*)")
UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(r"[^\W_]+")


def indexable(text: str) -> str:
    """A text as it goes into the index of papers. The index folds case and accents itself."""
    if text.isascii():
        return text.replace("'", "")
    text = text.translate(APOSTROPHES)
    return _SIGN.sub(r" \1 ", text) if UNSPACED.search(text) else text


def title_words(title: str) -> list[str]:
    """The folded words of a title that a typing error may be in."""
    return [word for word in _WORD.findall(fold(title).decode()) if SHORTEST <= len(word) <= LONGEST]


def name_words(names: list[str]) -> str:
    """The words of an author's names as they go into the index of authors, with blanks between them.

    A word of a script without blanks is there from each of its signs on, so that a part of it is a beginning.
    """
    found: dict[str, None] = {}
    for name in names:
        folded = fold(name)
        for word in (*folded.decode().split(), *joined(folded).decode().split()):
            found[word] = None
            if not word.isascii() and UNSPACED.search(word):
                found.update(dict.fromkeys(word[at:] for at in range(1, min(len(word), SUFFIXES))))
        if len(found) > MOST_WORDS:
            break
    return " ".join(list(found)[:MOST_WORDS])


def sorted_words(name: str) -> str:
    """The folded words of a name in one order: equal for "Last, First" and "First Last"."""
    return " ".join(sorted(joined(fold(name)).decode().split()))


def rests(word: str) -> set[int]:
    """Hashes of a word, and of what is left of it when one letter is missing."""
    return {crc32(rest.encode()) for rest in (word, *(word[:at] + word[at + 1 :] for at in range(len(word))))}


def quoted(word: str) -> str:
    """A word or phrase for a question to FTS5."""
    return '"' + word.replace('"', '""').replace("\0", " ") + '"'


def distance(one: str, other: str, most: int) -> int:
    """How many letters were added, left out, replaced or swapped with the next; most + 1 for more than
    `most`.

    Source: the optimal string alignment distance (Damerau 1964, restricted).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
