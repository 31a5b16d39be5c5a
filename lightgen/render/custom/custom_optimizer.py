"""The custom optimizer that starts as Adam: the blocks of its class and of its tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lightgen.plan.hyperparameter import Hyperparameter
from lightgen.render.custom.custom_test import skeleton_test_blocks
from lightgen.render.custom.hyperparameters import (
    STANDARD_NAMES,
    annotation,
    constructor_blocks,
    options_block,
)
from lightgen.render.custom.optimizer_class import (
    init_method,
    load_blocks,
    optimizer_imports,
    part,
)
from lightgen.render.custom.rule_fused import class_holes
from lightgen.render.environment import ABSENT
from lightgen.render.imports import Imports
from lightgen.rules.rule import Initial, State
from lightgen.source import Identifier, Source, block, indent

MOMENTS = (State("exp_avg", Initial.CONSTANT), State("exp_avg_sq", Initial.CONSTANT))


def custom_optimizer_view(
    class_name: str, hyperparameters: Sequence[Hyperparameter]
) -> dict[str, Source]:
    """The holes of custom_optimizer.py and test_custom_optimizer.py, but for `package`.

    Raises ValueError for a class name that is no identifier, a name told twice, and when one of
    `STANDARD` is missing.
    """
    names = [hyper.name for hyper in hyperparameters]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"told twice: {', '.join(twice)}")
    if missing := [name for name in STANDARD_NAMES if name not in names]:
        raise ValueError(f"missing: {', '.join(missing)}")
    of_class = {"class_name": Identifier(class_name)}
    step = part("adam_step", {"options": options_block(names, 3)})
    return {
        **of_class,
        **constructor_blocks(hyperparameters),
        **skeleton_test_blocks(hyperparameters, class_name),
        "module_doc": part("adam_module_doc", of_class),
        "imports": optimizer_imports(Imports("")),
        "update_functions": part(
            "adam_update",
            {"update_parameters": block(indent(map(_update_parameter, hyperparameters)))},
        ),
        "class_doc": part("adam_doc", {}),
        "extra_defaults": ABSENT,
        "check_shapes": ABSENT,
        **load_blocks("moments"),
        "check_mode": ABSENT,
        "step_groups": part("step_groups", {}),
        "step_methods": Source(f"{step}\n\n{init_method(MOMENTS, new_state=MOMENTS)}"),
        "helpers": ABSENT,
        **class_holes(False),
    }


def _update_parameter(hyper: Hyperparameter) -> str:
    """A parameter of the update functions, noted where nothing uses it yet."""
    line = f"{hyper.name}: {annotation(hyper)},"
    return line if hyper.name in STANDARD_NAMES else f"{line}  # not used yet"
