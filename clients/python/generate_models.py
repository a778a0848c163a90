"""Writes scholarstream_client/models from the JSON Schemas in docs/schemas.

`python clients/python/generate_models.py` writes them, `--check` says whether they are current (exit code 1:
no). It needs datamodel-code-generator.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMAS = HERE.parents[1] / "docs" / "schemas"
MODELS = HERE / "scholarstream_client" / "models"
KINDS = {
    "profile": ("author.profile", "Profile"),
    "change": ("author.metrics", "Change"),
}  # module → schema, class
OPTIONS = (
    "--input-file-type jsonschema --output-model-type typing.TypedDict --target-python-version 3.11 "
    "--use-schema-description --disable-future-imports --disable-timestamp --formatters builtin"
)


def generated(module: str) -> str:
    """The text of a module of models."""
    schema, name = KINDS[module]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "models.py"
        header = f'"""Generated from docs/schemas/{schema}.json by generate_models.py. Do not edit."""'
        command = [
            sys.executable,
            "-m",
            "datamodel_code_generator",
            "--input",
            str(SCHEMAS / f"{schema}.json"),
        ]
        command += [
            *OPTIONS.split(),
            "--class-name",
            name,
            "--custom-file-header",
            header,
            "--output",
            str(file),
        ]
        subprocess.run(command, check=True)
        return file.read_text("utf-8")


def main() -> int:
    texts = {MODELS / f"{module}.py": generated(module) for module in KINDS}
    if "--check" in sys.argv:
        stale = [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
        print(f"not current: {', '.join(stale)}" if stale else "all current")
        return bool(stale)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
