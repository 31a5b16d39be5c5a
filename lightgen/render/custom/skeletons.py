"""Custom optimizers that start as a skeleton: their class, their tests, their wiring."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.custom.custom_test import SKELETON_HOLES
from lightgen.render.custom.hyperparameters import constructor_blocks, out_of_range_block
from lightgen.render.custom.optimizer_class import load_blocks
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Prose, Source

TWO_CLOSURE = "two-closure"
_TEMPLATES = {TWO_CLOSURE: "two_closure", "every-k": "every_k"}
_CROSS_ENTROPY = "cross_entropy(self.model, batch)[0]"
_LOSS = {
    "classification": _CROSS_ENTROPY,
    "transfer": _CROSS_ENTROPY,
    "regression": "squared_error(self, batch)[0]",
    "language-model": "next_token_loss(self.model, batch)",
}
# A skeleton updates in one way, so its tests choose no path.
_TEST_HOLES = {
    **SKELETON_HOLES,
    # Low, or a momentum near one would not be down again in time.
    "descent_lr": Expr("0.001"),
    "both_paths": ABSENT,
    "foreach_parameter": Source(""),
    "and_foreach": Source(""),
    "drop_flags": Source('        del options["maximize"]'),
    "shapes": Expr("[(3, 4), (2, 3), (2, 3, 2, 2), (5,), (), (0, 3)]"),
    "params_doc": Prose(
        "A matrix, a transposed matrix, a filter, a vector, a scalar and an empty one."
    ),
}


def skeleton_files(plan: Plan) -> dict[str, str]:
    """The files that the skeleton brings, by path."""
    optimizer = plan.optimizer
    holes = {
        **_TEST_HOLES,
        "package": Identifier(plan.package),
        "class_name": Identifier(optimizer.class_name),
        **constructor_blocks(optimizer.custom),
        "out_of_range": out_of_range_block(optimizer.custom),
        **load_blocks("state", counts_steps=optimizer.skeleton != TWO_CLOSURE),
    }
    name = _TEMPLATES[optimizer.skeleton]
    files = {
        f"src/{plan.package}/custom_optimizer.py": fill(f"skeletons/{name}.py", holes),
        "tests/test_custom_optimizer.py": fill(f"skeletons/tests/{name}.py", holes),
    }
    if optimizer.skeleton == TWO_CLOSURE:
        files["tests/test_two_passes.py"] = _two_passes_test(plan)
    return files


def _part(name: str, holes: dict[str, Source]) -> Source:
    return Source(fill(f"skeletons/{name}.py", holes).rstrip("\n"))


def _two_passes_test(plan: Plan) -> str:
    imports = Imports(plan.package)
    imports.names("typing", "Any").names("torch", "Tensor", "nn")
    imports.module("pytest", "torch", "torch.nn.functional as F", f"{lightning_root(plan)} as pl")
    imports.own("data", "DataModule").own("module", plan.task.module)
    holes = {"imports": imports.source(), "module": Identifier(plan.task.module)}
    return fill("skeletons/tests/two_passes.py", holes)


def second_pass(plan: Plan, imports: Imports) -> Source:
    """What training_step does first where it runs twice a step."""
    if plan.optimizer.skeleton != TWO_CLOSURE:
        return ABSENT
    imports.own("custom_optimizer", "running_statistics_kept")
    return _part("second_pass", {"loss": Source(_LOSS[plan.task.name])})


def two_passes(plan: Plan, imports: Imports) -> Source:
    """The members of the task that tell the two passes apart."""
    if plan.optimizer.skeleton != TWO_CLOSURE:
        return ABSENT
    class_name = plan.optimizer.class_name
    imports.own("custom_optimizer", class_name)
    members = [_part("two_passes", {"class_name": Identifier(class_name)})]
    if plan.trainer.get("gradient_clip_algorithm") == "value":
        imports.names("torch.optim", "Optimizer")
        members.append(_part("clipping", {}))
    return Source("".join(f"\n{member}\n" for member in members).rstrip("\n"))
