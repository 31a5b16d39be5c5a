"""`.lightgen/` holds the pristine render, the spec of it, and a schema for editors."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.command import Lightgen

from lightgen import __version__
from lightgen.catalogue.optimizers import optimizers
from lightgen.catalogue.schedulers import schedulers

SPECS = {
    "nothing": [],
    "the example": ["--optimizer", "custom", "--groups", "backbone:1e-4,head:1e-3"],
    "many groups": ["--groups", "a=[a.0,re:x{1,2}]:x0.1,betas=[0.8,0.9],b:freeze,rest:1e-2"],
    "all tables": [
        *("--set", "seed=1", "--set", "data.batch_size=8", "--set", "model.width=16"),
        *("--set", "trainer.max_epochs=3", "--scheduler", "wsd", "--lr", "1e-5"),
        *("--set", "trainer.default_root_dir=a \"b' \\\\ \u00e9\U0001f600"),
    ],
    "parts": [
        *("--scheduler", "sequentiallr", "--set", "scheduler.milestones=5"),
        *("--set", 'scheduler.schedulers=[{name = "LinearLR"}, {name = "ExponentialLR"}]'),
    ],
}


@pytest.fixture(params=SPECS)
def project(request: pytest.FixtureRequest, lightgen: Lightgen) -> Path:
    lightgen.done("new", "digits-run", *SPECS[request.param])
    return lightgen.folder / "digits-run"


def own_files(project: Path) -> set[str]:
    """What was rendered: all but the memory and the spec."""
    paths = [path for path in project.rglob("*") if path.is_file()]
    names = {path.relative_to(project).as_posix() for path in paths}
    return {name for name in names if not name.startswith(".lightgen/")} - {"lightgen.toml"}


def state(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / ".lightgen/state.toml").read_text())


def test_the_base_is_the_render_byte_for_byte(project: Path) -> None:
    base = project / ".lightgen/base"
    stored = {path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()}
    assert stored == {f"{name}.base" for name in own_files(project)}
    for name in own_files(project):
        assert (base / f"{name}.base").read_bytes() == (project / name).read_bytes()


def test_no_tool_takes_the_base_for_source(project: Path) -> None:
    assert list((project / ".lightgen").rglob("*.py")) == []


def test_the_state_holds_a_hash_for_each_file(project: Path) -> None:
    assert state(project)["files"] == {
        name: {"sha256": hashlib.sha256((project / name).read_bytes()).hexdigest()}
        for name in own_files(project)
    }


def test_the_state_holds_the_spec_of_the_render(project: Path) -> None:
    spec = tomllib.loads((project / "lightgen.toml").read_text())
    remembered = state(project)["spec"]
    assert remembered == spec
    assert list(remembered.get("groups", {})) == list(spec.get("groups", {}))
    assert state(project)["lightgen"] == __version__


def test_git_is_told_what_is_generated_and_what_to_leave_out(project: Path) -> None:
    assert (project / ".lightgen/.gitignore").read_text() == "/backup/\n/lock\n"
    assert (project / ".lightgen/.gitattributes").read_text() == (
        "# Written by lightgen; as it is, byte for byte.\n"
        "base/** linguist-generated=true -text\n"
        "pack/** linguist-generated=true -text\n"
        "schema.json linguist-generated=true\n"
        "state.toml linguist-generated=true\n"
    )


def test_the_spec_file_names_the_schema_that_lies_beside_it(project: Path) -> None:
    first = (project / "lightgen.toml").read_text().splitlines()[0]
    assert (project / first.removeprefix("#:schema ")).is_file()


def validate(project: Path, spec: dict[str, Any]) -> None:
    schema = json.loads((project / ".lightgen/schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(spec)


def test_the_schema_accepts_the_spec_that_was_written(project: Path) -> None:
    validate(project, tomllib.loads((project / "lightgen.toml").read_text()))


WRONG = {
    "[optimiser]\nname = 'sgd'": "'optimiser' was unexpected",
    "[trainer]\nmax_epoch = 3": "'max_epoch' was unexpected",
    "[data]\nbatchsize = 3": "'batchsize' was unexpected",
    "seed = 'x'": "'x' is not of type 'integer'",
    "[groups]\nhead = 1": "1 is not of type 'object'",
    "[groups.head]\nfreeze = 'yes'": "'yes' is not valid under any of the given schemas",
    "[optimizer]\nlr = 'fast'": "'fast' is not of type 'number'",
    "[scheduler]\ngamma = 0.5": "'name' is a required property",
}


@pytest.mark.parametrize("text", WRONG)
def test_the_schema_refuses_what_an_editor_should_underline(lightgen: Lightgen, text: str) -> None:
    lightgen.done("new", "run")
    with pytest.raises(jsonschema.ValidationError, match=WRONG[text]):
        validate(lightgen.folder / "run", tomllib.loads(text))


def test_the_schema_accepts_every_class_by_its_name_alone(lightgen: Lightgen) -> None:
    lightgen.done("new", "run")
    for name in [*optimizers(), "custom"]:
        validate(lightgen.folder / "run", {"optimizer": {"name": name}})
    for name in schedulers():
        validate(lightgen.folder / "run", {"scheduler": {"name": name}})


def test_the_schema_accepts_every_argument_at_its_default(lightgen: Lightgen) -> None:
    lightgen.done("new", "run")
    for table, records in (("optimizer", optimizers()), ("scheduler", schedulers())):
        for name, record in records.items():
            defaults = {
                argument.name: in_toml(argument.default)
                for argument in record.arguments.values()
                if not argument.required and argument.kind != "none"
            }
            validate(lightgen.folder / "run", {table: {"name": name, **defaults}})


def in_toml(value: Any) -> Any:
    if isinstance(value, list):
        return [in_toml(each) for each in value]
    return "none" if value is None else value
