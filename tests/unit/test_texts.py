"""Titles and abstracts of real records as plain text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.producer.text.texts import latex, plain

FORMULA = (
    '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:semantics>\n <mml:msup> '
    "<mml:mi>b</mml:mi>\n"
    ' <mml:mo>&#x2192;</mml:mo> <mml:mn>2</mml:mn></mml:msup><mml:annotation encoding="TeX">b '
    "\\to</mml:annotation>"
    "</mml:semantics></mml:math>"
)
PLAIN = {
    "A &amp; B": "A & B",
    "A &amp;amp; B": "A & B",
    "&lt;i&gt;Drosophila&lt;/i&gt; genes": "Drosophila genes",
    "H<sub>2</sub>O and <b>bold</b>": "H2O and bold",
    "one<br/>two<p>three</p>four": "one two three four",
    "<jats:title>Abstract</jats:title><jats:p>First.</jats:p><jats:p>Second.</jats:p>": "First. Second.",
    "<title>Abstract.</title><p>Text</p>": "Text",
    "<jats:sec><jats:title>Methods</jats:title><jats:p>Text</jats:p></jats:sec>": "Methods Text",
    f"The {FORMULA} decay": "The b→2 decay",
    "a < b and c > d, p<0.05": "a < b and c > d, p<0.05",
    "if a <b and c> d": "if a <b and c> d",
    "x &lt; y": "x < y",
    "<!-- note -->Text <!-- open": "Text <!-- open",
    "the $x_{1} < 2$ law and $35,000": "the $x_{1} < 2$ law and $35,000",
    "schÃ¶n": "schön",
    "“quoted” ﬁne": "“quoted” ﬁne",  # what ftfy.fix_text would change
    "Zoe\u0301": "Zoé",
    " one\n  two\xa0three ": "one two three",
    "\ud800x": "\ufffdx",
    "0": "0",
    "null": "",
    "": "",
    None: "",
}
LATEX = {
    "about 10% of the mass of \\'{c} AT&T": "about 10% of the mass of ć AT&T",
    "100\\% of \\emph{in vivo} {DNA}": "100% of in vivo DNA",
    "{DNA} and $x_{1}$": "DNA and $x_{1}$",
    'Gr{\\"u}{\\ss}e': "Grüße",
    "the $a & b% \\alpha$ law \\'e": "the $a & b% \\alpha$ law é",
    "$35,000 \\'e": "$35,000 é",
    "{a boson at $\\sqrt{s}$ = 7 TeV: 100\\% of it}": "a boson at $\\sqrt{s}$ = 7 TeV: 100% of it",
    "\\c c and \\emph {x y} {\\it a $b$ c} d": "ç and x y a $b$ c d",
    "no backslash: 10% & $5": "no backslash: 10% & $5",
    None: "",
}


@pytest.mark.parametrize(("text", "right"), PLAIN.items())
def test_plain(text, right):
    assert plain(text) == right


@pytest.mark.parametrize(("text", "right"), LATEX.items())
def test_latex(text, right):
    assert latex(text) == right


@pytest.mark.parametrize(
    "part",
    ["<i ", "<math>", "<!--", "<title>abstract", "&lt;", "<annotation>", "<p a=b c=d", "{", "$", "<?xml"],
)
def test_time_grows_no_faster_than_the_text(part):
    """A text of 50,000 opening tags must not take minutes."""
    before = time.process_time()
    plain(part * 50_000)
    latex(part * 50_000)
    assert time.process_time() - before < 10


@given(st.text(st.sampled_from("<>/!-&;={}$\\%\"ibpath maolr'é\ud800"), max_size=200) | st.text())
def test_any_text_is_read(text):
    for read in (plain, latex):
        read(text).encode()
