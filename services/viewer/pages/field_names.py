"""Fields in words. Source of the names: the category taxonomy of arXiv."""

from collections.abc import Mapping

from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.urls import field_page_of

HUES = 6  # colours of chips

_GROUPS: Mapping[str, Mapping[str, str]] = {
    "astro-ph": {
        "": "Astrophysics", "CO": "Cosmology and Nongalactic Astrophysics",
        "EP": "Earth and Planetary Astrophysics", "GA": "Astrophysics of Galaxies",
        "HE": "High Energy Astrophysical Phenomena", "IM": "Instrumentation and Methods for Astrophysics",
        "SR": "Solar and Stellar Astrophysics",
    },
    "cond-mat": {
        "": "Condensed Matter", "dis-nn": "Disordered Systems and Neural Networks",
        "mes-hall": "Mesoscale and Nanoscale Physics", "mtrl-sci": "Materials Science",
        "other": "Other Condensed Matter", "quant-gas": "Quantum Gases", "soft": "Soft Condensed Matter",
        "stat-mech": "Statistical Mechanics", "str-el": "Strongly Correlated Electrons",
        "supr-con": "Superconductivity",
    },
    "cs": {
        "": "Computer Science", "AI": "Artificial Intelligence", "AR": "Hardware Architecture",
        "CC": "Computational Complexity", "CE": "Computational Engineering, Finance, and Science",
        "CG": "Computational Geometry", "CL": "Computation and Language", "CR": "Cryptography and Security",
        "CV": "Computer Vision and Pattern Recognition", "CY": "Computers and Society", "DB": "Databases",
        "DC": "Distributed, Parallel, and Cluster Computing", "DL": "Digital Libraries",
        "DM": "Discrete Mathematics", "DS": "Data Structures and Algorithms", "ET": "Emerging Technologies",
        "FL": "Formal Languages and Automata Theory", "GL": "General Literature", "GR": "Graphics",
        "GT": "Computer Science and Game Theory", "HC": "Human-Computer Interaction",
        "IR": "Information Retrieval", "IT": "Information Theory", "LG": "Machine Learning",
        "LO": "Logic in Computer Science", "MA": "Multiagent Systems", "MM": "Multimedia",
        "MS": "Mathematical Software", "NA": "Numerical Analysis",
        "NE": "Neural and Evolutionary Computing", "NI": "Networking and Internet Architecture",
        "OH": "Other Computer Science", "OS": "Operating Systems", "PF": "Performance",
        "PL": "Programming Languages", "RO": "Robotics", "SC": "Symbolic Computation", "SD": "Sound",
        "SE": "Software Engineering", "SI": "Social and Information Networks", "SY": "Systems and Control",
    },
    "econ": {"": "Economics", "EM": "Econometrics", "GN": "General Economics", "TH": "Theoretical Economics"},
    "eess": {
        "": "Electrical Engineering and Systems Science", "AS": "Audio and Speech Processing",
        "IV": "Image and Video Processing", "SP": "Signal Processing", "SY": "Systems and Control",
    },
    "gr-qc": {"": "General Relativity and Quantum Cosmology"},
    "hep-ex": {"": "High Energy Physics: Experiment"},
    "hep-lat": {"": "High Energy Physics: Lattice"},
    "hep-ph": {"": "High Energy Physics: Phenomenology"},
    "hep-th": {"": "High Energy Physics: Theory"},
    "math-ph": {"": "Mathematical Physics"},
    "math": {
        "": "Mathematics", "AC": "Commutative Algebra", "AG": "Algebraic Geometry",
        "AP": "Analysis of PDEs", "AT": "Algebraic Topology", "CA": "Classical Analysis and ODEs",
        "CO": "Combinatorics", "CT": "Category Theory", "CV": "Complex Variables",
        "DG": "Differential Geometry", "DS": "Dynamical Systems", "FA": "Functional Analysis",
        "GM": "General Mathematics", "GN": "General Topology", "GR": "Group Theory",
        "GT": "Geometric Topology", "HO": "History and Overview", "IT": "Information Theory",
        "KT": "K-Theory and Homology", "LO": "Logic", "MG": "Metric Geometry", "MP": "Mathematical Physics",
        "NA": "Numerical Analysis", "NT": "Number Theory", "OA": "Operator Algebras",
        "OC": "Optimization and Control", "PR": "Probability", "QA": "Quantum Algebra",
        "RA": "Rings and Algebras", "RT": "Representation Theory", "SG": "Symplectic Geometry",
        "SP": "Spectral Theory", "ST": "Statistics Theory",
    },
    "nlin": {
        "": "Nonlinear Sciences", "AO": "Adaptation and Self-Organizing Systems", "CD": "Chaotic Dynamics",
        "CG": "Cellular Automata and Lattice Gases", "PS": "Pattern Formation and Solitons",
        "SI": "Exactly Solvable and Integrable Systems",
    },
    "nucl-ex": {"": "Nuclear Experiment"},
    "nucl-th": {"": "Nuclear Theory"},
    "physics": {
        "": "Physics", "acc-ph": "Accelerator Physics", "ao-ph": "Atmospheric and Oceanic Physics",
        "app-ph": "Applied Physics", "atm-clus": "Atomic and Molecular Clusters", "atom-ph": "Atomic Physics",
        "bio-ph": "Biological Physics", "chem-ph": "Chemical Physics", "class-ph": "Classical Physics",
        "comp-ph": "Computational Physics", "data-an": "Data Analysis, Statistics and Probability",
        "ed-ph": "Physics Education", "flu-dyn": "Fluid Dynamics", "gen-ph": "General Physics",
        "geo-ph": "Geophysics", "hist-ph": "History and Philosophy of Physics",
        "ins-det": "Instrumentation and Detectors", "med-ph": "Medical Physics", "optics": "Optics",
        "plasm-ph": "Plasma Physics", "pop-ph": "Popular Physics", "soc-ph": "Physics and Society",
        "space-ph": "Space Physics",
    },
    "q-bio": {
        "": "Quantitative Biology", "BM": "Biomolecules", "CB": "Cell Behavior", "GN": "Genomics",
        "MN": "Molecular Networks", "NC": "Neurons and Cognition", "OT": "Other Quantitative Biology",
        "PE": "Populations and Evolution", "QM": "Quantitative Methods", "SC": "Subcellular Processes",
        "TO": "Tissues and Organs",
    },
    "q-fin": {
        "": "Quantitative Finance", "CP": "Computational Finance", "EC": "Economics",
        "GN": "General Finance", "MF": "Mathematical Finance", "PM": "Portfolio Management",
        "PR": "Pricing of Securities", "RM": "Risk Management", "ST": "Statistical Finance",
        "TR": "Trading and Market Microstructure",
    },
    "quant-ph": {"": "Quantum Physics"},
    "stat": {
        "": "Statistics", "AP": "Applications", "CO": "Computation", "ME": "Methodology",
        "ML": "Machine Learning (Statistics)", "OT": "Other Statistics", "TH": "Statistics Theory",
    },
}  # fmt: skip
NAMES: Mapping[str, str] = {
    f"{group}.{end}" if end else group: name for group, ends in _GROUPS.items() for end, name in ends.items()
}


def name_of_field(code: str) -> str | None:
    """The name of a whole category: cs.LG → Machine Learning. None: it has no other name than its code."""
    return NAMES.get(code)


def field_in_words(code: str) -> str:
    """A field for people: "Machine Learning · cs.LG". A code without a name stands alone."""
    name = name_of_field(code)
    return f"{name} · {code}" if name else code


def field_chip(code: str | None, *, whole: bool = True) -> Html | None:
    """A chip with the field, always of the same one of six colours. None: no field.

    whole: the code is a whole category, so it has a name and a page. The end of one (LG) has neither, since
    stat.AP is not math.AP.
    """
    if not code:
        return None
    hue = f"chip hue{sum(code.encode()) % HUES}"
    if not whole:
        return tag("span", apart(code), class_=hue, title=f"Field: {isolated(code)}")
    words = field_in_words(code)
    return tag("a", apart(words), class_=hue, href=field_page_of(code), title=f"Field: {isolated(words)}")
