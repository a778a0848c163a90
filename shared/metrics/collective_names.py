"""Which names are those of groups of people: the flag `collective_author`."""

import re
import unicodedata
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words for groups of people.
_GROUPS = _words(
    """
    collaboration collaborations collaborator collaborators collaborative collaboratives consortium
    consortia consortiums trialists investigators committee committees subcommittee subcommittees
    initiative initiatives workgroup workgroups alliance association society group groups team teams
    network networks project projects
    """
)
_PAIRS = frozenset({"task force", "task forces", "working party", "working parties"})
_LAST_WORDS = _GROUPS | {pair.split()[-1] for pair in _PAIRS}
_ALSO_PEOPLE = _words("group groups team teams network networks project projects")
_MEMBERS = _words("members investigators authors participants collaborators")
_GIVEN = _words(
    """
    aaron abdul ada adam adriana agnes ahmed aisha akira alan albert alejandro alessandro alex
    alexander ali alice amina amir amit amy ana ananya anders andrea andreas andrew angela anil
    anita ann anna anne anthony antoine anton antonio anya arjun astrid ayse barbara bastien
    beatrice ben benjamin bernd bjorn bob brian bruno camille carl carla carlos carmen carol
    caroline catherine cecilia charles chiara chloe chris christian christine christopher claire
    clara clement cristina daniel daniela david deborah deepak denise dennis diana dieter dimitri
    dmitry donald dorothy ed edith eduardo edward ekaterina eleanor elena elias elif elizabeth ella
    emily emma enrique eric erik ernst esther eva evelyn fabio farid fatima felix fernando florian
    francesca francesco francois frank franz frederick fritz gabriel gary georg george gerard
    gerhard giovanni giulia grace greg grigory guillaume gunter hannah hans harold haruto hassan
    heidi heinz helen henry hiroshi hugo hui hussein ian ibrahim igor ines inge ingrid irene irina
    isabel ivan jack jacob jacques jakob james jan jane janet jason javier jean jennifer jens
    jessica jia jim jing jiri joan joe johann john jonas jonathan jorge jose josef joseph juan julia
    julie julien jun jurgen kai kamala karen karim karin karl katarina kate katherine kenji kevin
    khalid klaus kofi krishna kwame lars laura laurent lee leila leo leon linda lisa lorenzo louis
    luca lucas luciana lucy ludwig luis luke magnus mahmoud manuel marcel marco marcus marek
    margaret maria marie marina mario mark markus marta martin martina mary mateo matteo matthew
    matthias max mehmet mei michael michelle miguel mike mikhail min miriam mohamed mohammad
    mohammed monica muhammad mustafa nadia nancy natalia natasha nicholas nicolas nicole nikolai
    nina noah olaf oleg olga oliver olivia omar oscar otto pablo patricia patrick paul paula pavel
    pedro peter petra philip pierre piotr priya rachel rafael rahul raj rajesh ralph ramon rania
    ravi raymond rebecca renata rene richard robert roberto roger rolf ronald rosa ruth ryan sabine
    sakura salma sam samir samuel sandra sanjay sara sarah satoshi scott sergei sharon shreya silvia
    simon simone sofia sophie stefan stefano stephen steven sunita susan susanne sven takashi tanja
    tatiana teresa theo theodore theresa thomas tim timothy tom ulrich ursula valentina vera victor
    victoria vijay vincent vincenzo vladimir walter wei william wolfgang xiao xin yan yang yasmin yi
    ying youssef yuki yuri yusuf yves zoe
    """
)
_TITLES = _words("dr prof professor sir")
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]][\s.,;]*$")  # at the end: a year, an abbreviation


@lru_cache(1 << 16)
def is_collective(name: str) -> bool:
    """Whether a name is that of a group of people.

    True for "ATLAS Collaboration", "GBD 2019 Collaborators", "Collaboration ATLAS (2012)"; False for "John
    Network". In "X Network" a list of common given names decides: nothing else tells "Priya Network" from
    "Cochrane Network".
    """
    words = re.findall(r"\w+", name)
    if _LAST_WORDS.isdisjoint([word.lower() for word in words]):  # nearly every name
        return False
    while (cut := _IN_BRACKETS.search(name)) and cut.start():
        name = name[: cut.start()]
    lower = [word.lower() for word in re.findall(r"\w+", name)]
    return _ends_in_group(lower) or _begins_with_group(name, words)


def _ends_in_group(words: list[str]) -> bool:
    if len(words) > 1 and words[-1] in _MEMBERS and _group_of(words[:-1]):
        words = words[:-1]
    group = _group_of(words)
    before = words[: len(words) - len(group.split())]
    is_person = before and group in _ALSO_PEOPLE and all(_is_given(word) for word in before)
    return bool(group) and not is_person


def _is_given(word: str) -> bool:
    """Whether it is a common given name (accents do not count), an initial or a title."""
    word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return word in _GIVEN or word in _TITLES or len(word) == 1


def _group_of(words: list[str]) -> str:
    """The one or two last words, if they name a kind of group, else ""."""
    pair = " ".join(words[-2:])
    return pair if pair in _PAIRS else words[-1] if words and words[-1] in _GROUPS else ""


def _begins_with_group(name: str, words: list[str]) -> bool:
    """Whether the group comes before its subject.

    "Task Force on X" and "ESC Committee for X"; at the beginning also "Consortium, X" and "Collaboration
    ATLAS".
    """
    lower = [word.lower() for word in words]
    ends = [
        at for at in range(1, len(words)) if (group := _group_of(lower[:at])) and group not in _ALSO_PEOPLE
    ]
    if any(lower[at] in ("for", "of", "on") for at in ends):
        return True
    first = [at for at in ends if len(_group_of(lower[:at]).split()) == at - (lower[0] == "the")]
    return any(
        _is_acronym(words[at]) or re.match(r"\W*" + r"\W+".join(words[:at]) + r"\s*,", name) for at in first
    )


def _is_acronym(word: str) -> bool:
    return sum(letter.isupper() for letter in word) > 1
