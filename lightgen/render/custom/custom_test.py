"""The tests that ship with a custom optimizer: their parts, and those of the skeleton."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lightgen.render.custom.hyperparameters import out_of_range_block
from lightgen.render.custom.optimizer_class import part
from lightgen.rules.rule import Hyper
from lightgen.source import Expr, Prose, Source, block, indent

# Every part that a class may have, in the order of the file.
SKELETON_PARTS = (
    *("reference_adam", "trajectory", "direction", "groups", "decay", "tensor_lr", "complex"),
    *("left_alone", "zero_grads", "zero_lr", "read_only", "memory_format", "closure"),
    *("compiled", "differentiable", "errors", "foreach_errors", "state", "copies", "resumed"),
    *("precision", "older", "step_as_number", "loading", "hooks", "state_dict_hooks"),
)
SKELETON_HOLES: Mapping[str, Source] = {
    "trajectory_doc": Prose(
        "The one test that changes with the update: edit `reference` and OPTIONS."
    ),
    "tolerance": Expr("1e-12"),
    "lr": Expr("0.1"),
    "descent_lr": Expr("0.01"),
    "other_lr": Expr("0.05"),
    "kept_options": Expr('"params": group["params"]'),
    "decay": Expr("weight_decay=0.1, "),
    "decay_line": Expr("weight_decay=0.1,"),
    "and_decay": Expr(", weight_decay=0.1"),
    "both_paths": Source("@both_paths"),
    "foreach_parameter": Source(", foreach: bool"),
    "and_foreach": Source(", foreach=foreach"),
    "no_decay": Expr("weight_decay=0.0, "),
    "dtypes": Expr("torch.float64, torch.float32, torch.complex128, torch.bfloat16"),
    "some_dtypes": Expr("torch.float64, torch.complex64, torch.bfloat16"),
    "resumed_dtypes": Expr("torch.float64, torch.complex64, torch.bfloat16, torch.float16"),
    "is_precise": Expr("value.dtype == torch.float32 for value in state.values()"),
    "drop_flags": block(
        [
            '        for flag in ("foreach", "maximize", "differentiable"):',
            "            del options[flag]",
        ]
    ),
    "cycle": Expr(""),
    "state_shapes": block(
        [
            "def state_shapes(param: Tensor) -> dict[str, tuple[int, ...]]:",
            "    shape = tuple(param.shape)",
            '    return {"step": (), "exp_avg": shape, "exp_avg_sq": shape}',
        ]
    ),
}
ADAM_OPTIONS = (
    "{},",
    '{"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},',
)
SHAPES = Expr("[(3, 4), (2, 3), (5,), (), (0,)]")
SHAPES_DOC = Prose("A matrix, a transposed matrix, a vector, a scalar and an empty vector.")


def joined_tests(names: Iterable[str], holes: Mapping[str, Source]) -> Source:
    """The parts of the tests one after the other."""
    return Source("\n\n\n".join(part(f"tests/{name}", holes) for name in names))


def skeleton_test_blocks(hypers: Sequence[Hyper], class_name: str) -> dict[str, Source]:
    """The holes of test_custom_optimizer.py for the class that starts as Adam."""
    return {
        "test_doc": part("tests/adam_doc", {"class_name": Source(class_name)}),
        "own_names": Source(class_name),
        "built": Source("Optimizer"),
        "out_of_range": out_of_range_block(hypers),
        "other_options": block(indent(ADAM_OPTIONS)),
        "shapes": SHAPES,
        "params_doc": SHAPES_DOC,
        "tests": joined_tests(SKELETON_PARTS, SKELETON_HOLES),
    }
