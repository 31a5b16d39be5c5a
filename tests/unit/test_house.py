"""The floors of the house: imports go down only, two parts write, one package prints."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import lightgen

ROOT = Path(lightgen.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Each part and what of lightgen it may import, beside itself and the version.
GROUND = {"problems", "source", "tree", "inside"}
MAY_IMPORT: dict[str, set[str]] = {
    "problems": set(),
    "source": set(),
    "tree": set(),
    "inside": set(),
    "catalogue": GROUND,
    "rules": GROUND,
    "spec": GROUND | {"catalogue", "rules"},
    "plan": GROUND | {"catalogue", "rules", "spec"},
    "render": GROUND | {"catalogue", "rules", "spec", "plan"},
    "packs": {"problems", "tree"},
    "memory": GROUND | {"spec"},
    "remembered": GROUND | {"memory", "merge"},
    "disk": GROUND | {"merge"},
    "merge": {"tree"},
    "write": {"problems", "tree"},
    "transaction": GROUND,
    "generate": GROUND | {"catalogue", "rules", "spec", "plan", "render", "packs", "memory"},
    "difference": GROUND,
    "standing": GROUND | {"merge"},
    "project": GROUND | {"spec", "plan", "memory", "remembered"},
    "rulefile": GROUND | {"rules", "spec", "merge"},
    "ruled": GROUND | {"spec", "merge", "rulefile"},
    "rebuild": GROUND | {"packs", "spec", "generate", "memory", "merge", "remembered", "rulefile"},
    "changes": GROUND | {"merge"},
    "update": GROUND
    | {"spec", "changes", "generate", "memory", "merge", "project", "rebuild", "standing"}
    | {"ruled"},
    "undo": GROUND | {"changes", "merge", "transaction"},
    "check": {"problems"},
}
SLOW = {"torch", "pytorch_lightning", "lightning", "numpy", "sklearn"}
WRITES = {"write_bytes", "write_text", "mkdir", "rename", "replace", "unlink", "rmdir", "touch"}
WRITES |= {"rmtree", "mkdtemp", "mkstemp", "chmod", "symlink_to", "copytree", "copyfile", "move"}
STANDALONE = {
    "catalogue/introspect.py",
    "catalogue/introspect_schedules.py",
    "catalogue/survey.py",
    "spec/schema.py",
}
# What runs in the child of a check, or to renew the catalogue.
PROOFS = {
    "catalogue/digits.py",
    "catalogue/probe.py",
    "catalogue/trial.py",
    "check/coverage.py",
    "check/step.py",
    "check/resume.py",
    "check/foresee.py",
    "check/next_rates.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The floor of a module: problems, spec, cli, ...; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


MODULES = {module_of(path): path for path in FILES}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(node: ast.AST, *, at_import_only: bool = False) -> set[str]:
    """Modules that a file imports: everywhere, or only where the import of the file does it."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found |= {alias.name for alias in child.names}
        elif isinstance(child, ast.ImportFrom) and child.module:
            assert child.level == 0, "imports are absolute"
            names = {f"{child.module}.{alias.name}" for alias in child.names}
            found |= names if names <= MODULES.keys() else {child.module}
        elif at_import_only and (isinstance(child, ast.FunctionDef) or _for_types(child)):
            continue
        else:
            found |= imports_of(child, at_import_only=at_import_only)
    return found


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def own(imported: set[str]) -> set[str]:
    return {name for name in imported if name in MODULES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    part = part_of(module_of(path))
    if part in ("cli", "__main__", ""):
        return
    assert part in MAY_IMPORT, f"on which floor is {part}?"
    wrong = {name for name in own(imports_of(tree_of(path))) if part_of(name) not in ("", part)}
    assert {name for name in wrong if part_of(name) not in MAY_IMPORT[part]} == set()


def test_the_package_itself_imports_nothing() -> None:
    assert imports_of(tree_of(ROOT / "__init__.py")) == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if part_of(module_of(path)) in ("cli", "__main__"):
        return
    tree = tree_of(path)
    printers = {"typer", "rich", "questionary", "click"}
    assert {name.partition(".")[0] for name in imports_of(tree)} & printers == set()
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called & {"print", "sys.exit", "exit", "input"} == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_two_parts_write_to_disk(path: Path) -> None:
    """One writes new projects, one changes them.

    Packs and checks work in temporary folders of their own; the generators of data are no part of
    it.
    """
    if part_of(module_of(path)) in ("write", "transaction", "packs", "check"):
        return
    tree = tree_of(path)
    if name_of(path) in STANDALONE:
        assert isinstance(tree.body[-1], ast.If), "a generator writes when it is run"
        del tree.body[-1]
    assert writes_in(tree) == set()


def writes_in(tree: ast.AST) -> set[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = {
        call.func.attr
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in WRITES
        and not (call.func.attr == "replace" and len(call.args) != 1)  # a text's, not a path's
    }
    opened = [call for call in calls if ast.unparse(call.func).endswith("open")]
    return found | {text for call in opened if "w" in (text := _mode(call))}


def _mode(call: ast.Call) -> str:
    """The mode of a call of open; the null device is no disk."""
    if "os.devnull" in ast.unparse(call):
        return ""
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
    return " ".join(text for text in texts if isinstance(text, str) and len(text) <= 3)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_torch_is_never_imported_to_generate(path: Path) -> None:
    tree = tree_of(path)
    if name_of(path) in PROOFS:
        return
    if name_of(path) in STANDALONE:
        assert not roots(imports_of(tree, at_import_only=True)) & SLOW
    else:
        assert not roots(imports_of(tree)) & SLOW


def test_who_starts_a_check_does_not_import_its_proofs() -> None:
    reached, left = set[str](), {"lightgen.cli.check", "lightgen.check.prove"}
    while left:
        reached |= left
        imported = [imports_of(tree_of(MODULES[name]), at_import_only=True) for name in left]
        left = own(set().union(*imported)) - reached
    assert {name_of(MODULES[name]) for name in reached} & PROOFS == set()


def roots(imported: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in imported}


def test_no_imports_go_in_circles() -> None:
    graph = {
        module: own(imports_of(tree_of(path), at_import_only=True)) - {module}
        for module, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for imported in sorted(graph[module]):
                visit(imported, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_the_rules_bite() -> None:
    """The search finds what it looks for."""
    text = "import torch\ndef f():\n    import typer\n    open('x', 'w')\n    p.write_text('')\n"
    tree = ast.parse(text)
    assert imports_of(tree) == {"torch", "typer"}
    assert imports_of(tree, at_import_only=True) == {"torch"}
    assert writes_in(tree) == {"x w", "write_text"}
    assert writes_in(ast.parse("'a'.replace('b', 'c')")) == set()


def test_no_two_test_modules_have_one_name() -> None:
    """Without packages, pytest imports test modules by their base names."""
    tests = Path(__file__).parents[1]
    names = Counter(path.name for path in tests.rglob("test_*.py") if "scenarios" not in path.parts)
    assert len(names) > 50
    assert [name for name, number in names.items() if number > 1] == []
