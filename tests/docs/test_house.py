"""The structure of the tree: no loose module, no import circle, no import upwards, verification by other
code.
"""

from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("services.consumer", "services.publisher", "services.scorer")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", cache_dir=None)


def test_services_holds_packages_only():
    assert [path.name for path in (ROOT / "services").glob("*.py")] == ["__init__.py"]


def test_no_packages_import_each_other_in_a_circle(graph):
    """A circle of modules is a circle of the packages, or modules, side by side in the package above them."""
    circles = {
        name: graph.nominate_cycle_breakers(name) for name in graph.modules if graph.find_children(name)
    }
    assert not {name: imports for name, imports in circles.items() if imports}


def test_shared_imports_no_service(graph):
    shared = {name for name in graph.modules if name.startswith("shared.")}
    imported = {(name, other) for name in shared for other in graph.find_modules_directly_imported_by(name)}
    assert not {pair for pair in imported if pair[1].split(".")[0] == "services"}


def test_verify_imports_no_stage(graph):
    verify = {name for name in graph.modules if name.startswith("services.verify.")}
    imported = {(name, other) for name in verify for other in graph.find_modules_directly_imported_by(name)}
    assert verify and not {pair for pair in imported if pair[1].startswith(STAGES)}


def test_only_the_command_of_verify_reaches_a_stage_through_other_modules(graph):
    """The command opens the log through services.runtime, and checks checkpoints; nothing else does."""
    reached = {
        name
        for name in graph.modules
        if name.startswith("services.verify.")
        and any(other.startswith(STAGES) for other in graph.find_upstream_modules(name))
    }
    assert reached <= {"services.verify.command"}
