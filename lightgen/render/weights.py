"""Weights that a run starts from: `weights.py`, `transfer.py`, and what train.py does with them."""

from __future__ import annotations

from pathlib import PurePosixPath

from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Source, literal

SAFETENSORS = ".safetensors"


def suffix(plan: Plan) -> str:
    """The kind of file that a run starts from."""
    return PurePosixPath(plan.weights).suffix.lower() if plan.weights else ".pt"


def weights_holes(plan: Plan, imports: Imports) -> dict[str, Source]:
    """The holes of train.py; nothing without weights."""
    names = ("weights_flag", "weights_check", "weights_made", "weights_load")
    if not plan.loads_weights:
        return dict.fromkeys(names, ABSENT)
    imports.own("weights", "WEIGHTS", "load_weights")
    made = ABSENT
    if plan.transfers:
        imports.own("pretraining", "pretrain")
        made = _lines("made")
    holes = {"is_made": Source(" and arguments.weights != WEIGHTS" if plan.transfers else "")}
    return {
        "weights_flag": _lines("flag"),
        "weights_check": _lines("check", holes),
        "weights_made": made,
        "weights_load": _lines("load"),
    }


def _lines(name: str, holes: dict[str, Source] | None = None) -> Source:
    return Source(fill(f"weights/{name}.py", holes or {}).rstrip("\n"))


def weights_files(plan: Plan) -> dict[str, str]:
    """weights.py, what makes the weights, and their tests."""
    if not plan.loads_weights:
        return {}
    source = f"src/{plan.package}"
    files = {
        f"{source}/weights.py": _weights(plan),
        "tests/test_weights.py": _weights_test(plan),
    }
    if plan.transfers:
        holes = {
            "package": Identifier(plan.package),
            "module": Identifier(plan.task.module),
            "best_metric": Source(plan.task.best_metric),
            "head": Identifier(plan.model.submodules[-1]),
        }
        files[f"{source}/pretraining.py"] = fill("project/src/__package__/pretraining.py", holes)
        files[f"{source}/transfer.py"] = fill("project/src/__package__/transfer.py", holes)
        files["tests/test_transfer.py"] = _transfer_test(plan, holes)
    return files


def _weights(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("dataclasses", "dataclass").names("pathlib", "Path")
    imports.names("torch", "Tensor", "nn")
    if suffix(plan) == SAFETENSORS:
        imports.names("safetensors", "SafetensorError").names("safetensors.torch", "load_file")
        kind, what = "read_safetensors", "a file of safetensors, by the network's names"
    else:
        imports.module("torch").names("pickle", "UnpicklingError")
        kind, what = "read_torch", "a state dict or a checkpoint, by the network's names"
    here, path = "Path(__file__).parents[2]", literal(plan.weights)
    made = literal("runs/pretrained.pt")
    return fill(
        "project/src/__package__/weights.py",
        {
            "imports": imports.source(),
            "weights": Expr(f"Path({made})" if plan.transfers else f"{here} / {path}"),
            "place": Source(
                "a run that finds none makes them"
                if plan.transfers
                else "the path is relative to the project's folder"
            ),
            "read_what": Source(what),
            "read_lines": _lines(kind),
        },
    )


def save_call(plan: Plan, imports: Imports, weights: str) -> Source:
    """How the tests write weights to `path`, as the project reads them."""
    if suffix(plan) == SAFETENSORS:
        imports.names("safetensors.torch", "save_file")
        return Source(f"save_file({weights}, path)")
    imports.module("torch")
    return Source(f"torch.save({weights}, path)")


def _weights_test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").module("pytest", "torch", f"{lightning_root(plan)} as pl")
    imports.names("torch", "Tensor").own("module", plan.task.module)
    imports.own("train", "parse_arguments", "train")
    imports.own("weights", "WEIGHTS", "load_weights", "read_weights")
    module = Identifier(plan.task.module)
    by_torch = suffix(plan) != SAFETENSORS
    more = fill("tests/weights_torch.py", {"module": module}).rstrip("\n") if by_torch else ""
    save = save_call(plan, imports, "weights")
    holes = {"module": module, "save": save, "more": Source(more) if more else ABSENT}
    return fill("tests/test_weights.py", {**holes, "imports": imports.source()})


def _transfer_test(plan: Plan, holes: dict[str, Source]) -> str:
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").module("pytest", "torch")
    imports.own("data", "DIGITS", "PRETRAINING", "load_part").own("module", plan.task.module)
    imports.own("train", "parse_arguments", "train").own("transfer", "compare")
    imports.own("weights", "load_weights")
    return fill("tests/test_transfer.py", {**holes, "imports": imports.source()})


def flag_row(plan: Plan) -> Source:
    """The row of the README for the flag."""
    if not plan.loads_weights:
        return ABSENT
    return Source("| `--weights FILE` | what a new run starts from, in place of `WEIGHTS` |")


def transfer_text(plan: Plan) -> Source:
    """The README's section on the weights."""
    if plan.transfers:
        return Source(fill("project/transfer.md", {"package": Identifier(plan.package)}))
    if plan.loads_weights:
        return Source(fill("project/weights.md", {"package": Identifier(plan.package)}))
    return ABSENT
