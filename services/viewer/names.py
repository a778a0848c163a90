"""Names as they are compared in a search: without case, accents and punctuation."""

import unicodedata

# Letters that no Unicode decomposition takes apart.
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n"})
APOSTROPHES = str.maketrans("", "", "'’ʼ`´")  # O'Neill is one word


def fold(name: str) -> bytes:
    """The words of a name, folded, with one space between them, as UTF-8."""
    if name.isascii():
        name = name.lower()
    else:
        # Marks are dropped where they stand on a letter of another alphabet too: Й is found by И, as people type it.
        marked = unicodedata.normalize("NFKD", name).casefold().translate(LETTERS)
        name = "".join(c for c in marked if not unicodedata.combining(c))
    if not name.replace(" ", "").isalnum():
        name = "".join(c if c.isalnum() else " " for c in name.translate(APOSTROPHES))
    return " ".join(name.split()).encode(errors="replace")


def words(text: str) -> list[bytes]:
    """The words of a query, folded as names are; without repeats."""
    return list(dict.fromkeys(fold(text).split()))
