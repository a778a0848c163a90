"""Reads the identifiers of papers and people in the forms that people and data sets use: DOI, arXiv, PubMed,
ISBN, ORCID.

Each function gives the bare identifier in one form, or None when the text holds none. `doi_of` and `link_of`
are more lenient than `doi`: they serve a person who reads a page, `doi` serves as a key.
"""

import html
import re
from urllib.parse import quote, unquote

from shared.ids import visible

DOI_BYTES = 250  # bytes of a DOI in UTF-8, at most; with `doi:` before it, it is still an id
_DOI = re.compile(r"10\.\d+(?:\.\d+)*/\S.*", re.DOTALL)
# Behind other words, the registrant must have at least four digits.
_LATER = re.compile(r"(?<![\w.])10\.\d{4,9}(?:\.\d+)*/\S.*", re.DOTALL)
_STRICT = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+")
# Most DOIs are in this form, which needs no repair. Other forms take ten times as long.
_PLAIN_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/)?(10\.[0-9]{4,9}/[A-Za-z0-9./_-]{0,200}[A-Za-z0-9])")
_PREFIX = re.compile(
    r"(?:(?:https?:)?//)?(?:[a-z]+\.)?doi\.org(?::\d+)?/+|(?:info:|urn:)?doi\s*[:/]?\s*(?=10\.|doi|http|//|info|urn)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?:)?//|(?:[a-z]+\.)?doi\.org", re.IGNORECASE)
_SAFE = "/:;()._-~!$&'*+,=@"  # other characters of a DOI are escaped in its address
_OF_ARXIV = "10.48550/arxiv."  # begins the DOIs that arXiv gives to its papers

_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga"
    "|econ|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics"
    "|plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
)
_MONTH = "[0-9]{2}(?:0[1-9]|1[0-2])"
_ARXIV = re.compile(
    r"(?:(?:https?:)?//(?:[a-z0-9-]+\.)*arxiv\.org/(?:abs|pdf|html|format|e-print|ps|src)/+|oai:arxiv\.org:"
    r"|(?:arxiv\s*:?\s*)*)"
    rf"(?:(?P<new>{_MONTH}\.[0-9]{{4,5}})|(?P<archive>{_ARCHIVES})(?:\.[a-z]{{2}})?/(?P<number>{_MONTH}[0-9]{{3}}))"
    r"(?:v[0-9]+)?(?:\.pdf)?(?:\s*\[[a-z.-]+\])?[.,;/]?",
    re.IGNORECASE,
)
_ORCID = re.compile(
    r"(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid:\s*)?([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])/?",
    re.IGNORECASE,
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
_PMID = re.compile(
    r"(?:https?://(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/|(?:info:)?pm?id\s*[:/]?\s*"
    r"|pubmed\s*:\s*)?0*([1-9][0-9]{0,8})/?",
    re.IGNORECASE,
)
_PMCID = re.compile(
    r"(?:https?://(?:(?:www\.)?ncbi\.nlm\.nih\.gov/pmc|pmc\.ncbi\.nlm\.nih\.gov|europepmc\.org)/(?:articles?/)?(?:pmc/)?"
    r"|pmcid\s*:\s*|pmc\s*:\s*)?(?:pmc)?0*([1-9][0-9]{0,8})(?:\.[0-9]+)?/?",
    re.IGNORECASE,
)
_ISBN = re.compile(r"(?:urn:)?(?:isbn(?:-1[03])?\s*:?\s*)?([0-9]{9}[0-9X]|[0-9]{13})", re.IGNORECASE)


def doi(text: str | None) -> str | None:
    """The DOI that `text` is: bare, in lower case, without a full stop or bracket of the sentence around it.

    It may stand behind a resolver or `doi:`; in an address it may be percent-encoded. None: another text, or
    more than DOI_BYTES bytes.
    """
    if text and (plain := _PLAIN_DOI.fullmatch(text)):
        return plain[1].lower()
    text = visible(text or "").strip()
    if _URL.match(text):
        text = unquote(text)
    while match := _PREFIX.match(text):
        text = text[match.end() :].lstrip()
    if "&" in text:
        text = html.unescape(text)
    if not _STRICT.fullmatch(text):
        return None
    text = _without_end(text.lower())
    return text if _STRICT.fullmatch(text) and len(text.encode(errors="replace")) <= DOI_BYTES else None


def _without_end(text: str) -> str:
    """Without commas, full stops, semicolons and closing brackets that never opened, at the end."""
    while text:
        if text[-1] in ".,;" or (text[-1] == ")" and text.count(")") > text.count("(")):
            text = text[:-1]
        else:
            break
    return text


def doi_of(text: str | None) -> str | None:
    """The bare DOI ("10.…/…") somewhere in `text`, in the case of the text. None: there is none."""
    text = visible(text or "").strip()
    if _URL.search(text):
        text = unquote(text)
    while match := _PREFIX.match(text):
        text = text[match.end() :].lstrip()
    found = _DOI.match(text) or _LATER.search(text)
    return found[0] if found else None


def link_of(text: str | None) -> str | None:
    """The address of the DOI in `text`. None: there is no DOI."""
    found = doi_of(text)
    return None if found is None else "https://doi.org/" + quote(found, safe=_SAFE)


def arxiv(text: str | None) -> str | None:
    """The arXiv id that `text` is, without version and subject class: "2101.00001", "math/9901016".

    It may stand behind `arXiv:`, `oai:arXiv.org:`, an address of arXiv or arXiv's DOI prefix.
    """
    text = visible(text or "").strip()
    if "10.48550" in text:
        given = doi(text)
        if given is None or not given.startswith(_OF_ARXIV):
            return None
        text = given[len(_OF_ARXIV) :]
    found = _ARXIV.fullmatch(text)
    if found is None:
        return None
    return found["new"] or f"{found['archive'].lower()}/{found['number']}"


def paper_id_of_doi(bare: str) -> str:
    """The paper_id for a bare DOI (`doi`): `arxiv:X` for the DOIs that arXiv gives, else `doi:` and
    the DOI.
    """
    of_arxiv = arxiv(bare) if bare.startswith(_OF_ARXIV) else None
    return f"doi:{bare}" if of_arxiv is None else f"arxiv:{of_arxiv}"


def orcid(text: str | None) -> str | None:
    """The ORCID iD that `text` is: four blocks with dashes and a right check digit (ISO 7064, MOD 11-2)."""
    found = _ORCID.fullmatch(visible(text or "").strip().translate(_DASHES))
    if found is None:
        return None
    digits = "".join(found.groups()).upper()
    total = 0
    for digit in digits[:15]:
        total = (total + int(digit)) * 2
    right = "0123456789X"[(12 - total % 11) % 11]
    if digits[15] != right or digits.startswith("00000000"):  # ORCID gives none of those
        return None
    return "-".join(found.groups()).upper()


def pmid(text: str | int | None) -> str | None:
    """The PubMed id that `text` is: digits without leading zeros. 0 is none."""
    return _number(_PMID, text)


def pmcid(text: str | int | None) -> str | None:
    """The PubMed Central id that `text` is: `PMC` and digits, without a version."""
    number = _number(_PMCID, text)
    return None if number is None else f"PMC{number}"


def _number(pattern: re.Pattern[str], text: str | int | None) -> str | None:
    if isinstance(text, bool) or text is None:
        return None
    found = pattern.fullmatch(visible(str(text) if isinstance(text, int) else text).strip())
    return found[1] if found else None


def isbn(text: str | None) -> str | None:
    """The ISBN that `text` is, as 13 digits; one of ten digits is turned. None for a wrong check digit."""
    bare = visible(text or "").strip().translate(_DASHES).replace("-", "").upper()
    found = _ISBN.fullmatch("".join(bare.split()))
    if found is None:
        return None
    number = found[1].upper()
    if len(number) == 13:
        right = number[:3] in ("978", "979") and number[12] == _check_of_13(number[:12])
        return number if right else None
    total = sum((10 - at) * (10 if digit == "X" else int(digit)) for at, digit in enumerate(number))
    return None if total % 11 else "978" + number[:9] + _check_of_13("978" + number[:9])


def _check_of_13(digits: str) -> str:
    return str(-sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits)) % 10)
