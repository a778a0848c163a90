"""The language of a record as a BCP 47 tag: sources write "en", "eng", "English", "ngerman"."""

import re

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*")
# ISO 639-2 codes, English names, and the names of the LaTeX package babel, by ISO 639-1 code.
_NAMES = {
    "ar": "ara arabic", "cs": "cze ces czech", "da": "dan danish",
    "de": "ger deu german ngerman austrian naustrian",
    "el": "gre ell greek", "en": "eng english american british ukenglish usenglish canadian australian",
    "es": "spa spanish castilian", "fa": "per fas persian", "fi": "fin finnish",
    "fr": "fre fra french francais",
    "he": "heb hebrew", "hu": "hun hungarian magyar", "id": "ind indonesian", "it": "ita italian",
    "ja": "jpn japanese",
    "ko": "kor korean", "nl": "dut nld dutch", "no": "nor norwegian norsk", "pl": "pol polish",
    "pt": "por portuguese brazilian brazil portuges", "ro": "rum ron romanian", "ru": "rus russian",
    "sv": "swe swedish",
    "tr": "tur turkish", "uk": "ukr ukrainian", "zh": "chi zho chinese",
}  # fmt: skip
_CODES = {name: code for code, names in _NAMES.items() for name in names.split()}
LONGEST = 35  # characters of a tag


def language_tag(text: str | None) -> str | None:
    """The tag, with a code of two letters where there is one. None: it names no language, or several."""
    text = (text or "").strip()
    if code := _CODES.get(text.lower()):
        return code
    found = _TAG.fullmatch(text)
    if found is None or len(text) > LONGEST:
        return None
    code = found[1].lower()
    return _CODES.get(code, code) + text[len(code) :].replace("_", "-")
