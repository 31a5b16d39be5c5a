"""What the option `fused` adds to the class of a rule."""

from __future__ import annotations

from collections.abc import Sequence

from lightgen.render.custom.optimizer_class import part, state_lists
from lightgen.render.environment import ABSENT
from lightgen.rules.rule import Function
from lightgen.source import Expr, Source, block, explode, indent

CLASS_PARTS = ("doc", "conflicts", "skip", "methods")


def class_holes(is_fused: bool) -> dict[str, Source]:
    """The holes of the class; with nothing in them without the option."""
    lines = {"fused_parameter": "fused: bool | None = None,", "fused_default": '"fused": fused,'}
    levels = {"fused_parameter": 2, "fused_default": 3}
    return {
        "fused_flag": Source('"fused": None, ' if is_fused else ""),
        **{
            name: block(indent([line], levels[name])) if is_fused else ABSENT
            for name, line in lines.items()
        },
        **{
            f"fused_{name}": part(f"fused_{name}", {}) if is_fused else ABSENT
            for name in CLASS_PARTS
        },
    }


def step_holes(
    function: Function, module: str, suffix: str, *, is_complex: bool
) -> dict[str, Source]:
    """The holes of the method that updates a group; `module` is empty without the option."""
    if not module:
        return dict.fromkeys(("fused_step", "fused_unscale", "fused_else"), ABSENT)
    tensors = [str(state.plural) for state in state_lists(function.tensors)]
    numbers = [str(state.plural) for state in state_lists(function.scalars)]
    holes = {
        "fused_module": Expr(module),
        "fused_update": Expr(f"fused_update_{suffix}" if suffix else "fused_update"),
        "roles": Expr(", ".join(["params", "grads", *tensors])),
        "real_roles": part("fused_real_roles", {}) if is_complex else ABSENT,
        "numbers_now": _lines(3, [f"new_{name} = [x.item() for x in {name}]" for name in numbers]),
        "arguments": _lines(
            4,
            explode(
                [*(f"new_{name}" for name in numbers), *(["steps"] if function.uses_step else [])]
            ),
        ),
        "keep_numbers": _lines(
            4,
            [
                line
                for name in numbers
                for line in (
                    f"for kept, number in zip({name}, new_{name}, strict=True):",
                    "    kept.fill_(number)",
                )
            ],
        ),
    }
    return {
        "fused_step": part("fused_step", holes),
        "fused_unscale": part("fused_unscale", {}),
        "fused_else": _lines(3, ['foreach = foreach or bool(group["fused"])']),
    }


def _lines(levels: int, lines: Sequence[str]) -> Source:
    return block(indent(lines, levels)) if lines else ABSENT
