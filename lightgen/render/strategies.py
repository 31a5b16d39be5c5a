"""Several processes: `sharding.py`, what it asks of other files, and tests in one process."""

from __future__ import annotations

from lightgen.catalogue.strategies import DEEPSPEED, FSDP2
from lightgen.catalogue.trainer import DOUBLE
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root, resume_tolerance, runs_on_several
from lightgen.source import Expr, Identifier, Source, block, indent, literal


def shards(plan: Plan) -> bool:
    """Whether weights are split over the processes by the project's own code."""
    return plan.trainer.get("strategy") == FSDP2


def by_deepspeed(plan: Plan) -> bool:
    """Whether DeepSpeed steps the optimizer, over parameters that it lays out flat."""
    return plan.trainer.get("strategy") in DEEPSPEED


def _writes_folders(plan: Plan) -> bool:
    """Whether a checkpoint is a folder, to which each process writes its part."""
    return shards(plan) or by_deepspeed(plan)


def strategy_object(plan: Plan) -> Expr | None:
    """The strategy as an object of sharding.py; None where Lightning's name will do."""
    strategy = str(plan.trainer.get("strategy"))
    if strategy in DEEPSPEED:
        options = (f"{key}={literal(value)}" for key, value in DEEPSPEED[strategy].items())
        return Expr(f"DeepSpeed({', '.join(options)})")
    return Expr("FullySharded()") if shards(plan) else None


def sharding_files(plan: Plan) -> dict[str, str]:
    """sharding.py and its test; nothing where a checkpoint is a file."""
    if not _writes_folders(plan):
        return {}
    if not shards(plan):
        return _deepspeed_files(plan)
    imports = Imports(plan.package)
    imports.module("shutil", "sys", "torch").names("pathlib", "Path")
    imports.names("collections.abc", "Iterable", "Iterator", "Mapping")
    imports.names("typing", "Any", "TypeAlias").names("zipfile", "is_zipfile")
    root = lightning_root(plan)
    imports.names(f"{root}.strategies", "ModelParallelStrategy", "Strategy")
    imports.names("torch", "Tensor", "nn").module("torch.distributed.checkpoint as dcp")
    imports.names("torch.distributed.device_mesh", "DeviceMesh")
    imports.names("torch.distributed.fsdp", "FSDPModule", "fully_shard")
    imports.names("torch.distributed.tensor", "DTensor", "Replicate", "distribute_tensor")
    imports.names("torch.optim", "Optimizer")
    holes = {"imports": imports.source(), "package": Identifier(plan.package)}
    return {
        f"src/{plan.package}/sharding.py": fill("project/src/__package__/sharding.py", holes),
        "tests/test_sharding.py": _test(plan),
    }


def _deepspeed_files(plan: Plan) -> dict[str, str]:
    """No test: it starts on a GPU only."""
    imports = Imports(plan.package)
    imports.module("shutil", "torch").names("pathlib", "Path").names("typing", "Any")
    imports.names("zipfile", "is_zipfile").names("torch", "nn")
    imports.names("deepspeed.utils.zero_to_fp32", "get_fp32_state_dict_from_zero_checkpoint")
    imports.names(f"{lightning_root(plan)}.strategies", "DeepSpeedStrategy")
    imports.names("torch.optim", "Optimizer")
    imports.own("recipe", "Recipe", "check_recipe").own("resume", "in_force")
    holes = {"imports": imports.source()}
    text = fill("project/src/__package__/deepspeed_sharding.py", holes)
    return {f"src/{plan.package}/sharding.py": text}


def _test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterator")
    imports.names("pathlib", "Path").names("typing", "Any")
    imports.module("pytest", "torch", f"{lightning_root(plan)} as pl")
    imports.names("torch.distributed.fsdp", "FSDPModule")
    imports.names("torch.distributed.tensor", "DTensor")
    imports.own("module", plan.task.module).own("recipe", "AnotherRecipeError")
    imports.own("sharding", "METADATA", "blocks", "merge", "read_outlines")
    imports.own("train", "parse_arguments", "train")
    holes = {
        "imports": imports.source(),
        "module": Identifier(plan.task.module),
        "tolerance": resume_tolerance(plan),
    }
    return fill("tests/test_sharding.py", holes)


def configure_model_lines(plan: Plan, imports: Imports) -> list[str]:
    """The method of the module that splits its weights."""
    if not shards(plan):
        return []
    imports.own("sharding", "restore_weights", "shard").names("pathlib", "Path")
    return fill("tasks/configure_model.py", {}).splitlines()


def split_again_lines(plan: Plan, imports: Imports) -> Source:
    """What makes the network see weights that its optimizer turns between two calls."""
    if not shards(plan):
        return ABSENT
    imports.names("torch.distributed.fsdp", "FSDPModule")
    lines = [
        "# Else the network goes on with those that the last validation brought together.",
        "if isinstance(self.model, FSDPModule):",
        "    self.model.reshard()",
    ]
    return block(indent(lines, 2))


def weights_from(plan: Plan) -> Source:
    """The attribute of the module for a checkpoint to start from."""
    if not shards(plan):
        return ABSENT
    return block(indent(["self.weights_from: Path | None = None"], 2))


def train_holes(plan: Plan, imports: Imports, shown: Source) -> dict[str, Source]:
    """What train.py does otherwise where checkpoints may be folders, or several processes run."""
    module = plan.task.module
    if not _writes_folders(plan):
        imports.names("zipfile", "is_zipfile")
        load = [f"task = {module}.load_from_checkpoint(ckpt_path, strict=False, **rates)"]
        if plan.trainer.get("precision") in DOUBLE:
            imports.module("torch")
            load = [
                'stored = torch.load(ckpt_path, map_location="cpu", weights_only=True)',
                f'task = {module}(**{{**stored["hyper_parameters"], **rates}}).double()',
                'task.load_state_dict(stored["state_dict"], strict=False)',
            ]
        return {
            "ckpt_metavar": Source("FILE"),
            "exists": Source("is_file"),
            "file_or_folder": Source("file"),
            "is_checkpoint": Source("is_zipfile"),
            "task_of_checkpoint": block(indent(load, 2)),
            "only_weights": Source("ckpt_path = None"),
            "one_reports": _one_reports(plan, []),
            "show": shown,
        }
    imports.own("sharding", "is_checkpoint", "read_outlines")
    only_weights = "task.weights_from, ckpt_path = ckpt_path, None"
    if shards(plan):
        imports.own("sharding", "FullySharded")
    else:
        imports.own("sharding", "DeepSpeed", "restore_weights")
        only_weights = "restore_weights(ckpt_path, task)\n            ckpt_path = None"
    load_lines = [
        'stored = read_outlines(ckpt_path)["hyper_parameters"]',
        f"task = {module}(**{{**stored, **rates}})",
    ]
    # The forward pass brings the weights together: every process has to take part.
    text = ABSENT if shown == ABSENT else block(indent(["print(text)"]))
    sampled = ['text = sample(trainer.lightning_module, "The ", length=200)']
    return {
        "ckpt_metavar": Source("PATH"),
        "exists": Source("exists"),
        "file_or_folder": Source("checkpoint"),
        "is_checkpoint": Source("is_checkpoint"),
        "task_of_checkpoint": block(indent(load_lines, 2)),
        "only_weights": Source(only_weights),
        "one_reports": _one_reports(plan, [] if shown == ABSENT else sampled),
        "show": text,
    }


def whole_checkpoint(plan: Plan) -> str:
    """The test of a path for a checkpoint that was not cut while it was written."""
    if _writes_folders(plan):
        return "is_checkpoint(path)"
    return "path.is_file() and is_zipfile(path)"


def _one_reports(plan: Plan, before: list[str]) -> Source:
    """Only one of several processes prints the result."""
    if not runs_on_several(plan):
        return ABSENT
    comment = ["# Every process: each has a part of the weights."] if before else []
    lines = [*comment, *before, "if not trainer.is_global_zero:", "    return"]
    return block(indent(lines))


def one_process(plan: Plan, imports: Imports) -> str:
    """The fixture of the tests: a single process, whatever the machines of a training."""
    imports.names("collections.abc", "Iterator").names("typing", "Any")
    imports.module(f"{lightning_root(plan)} as pl")
    return fill("tests/conftest_one_process.py", {})
