"""`model.py` and `data.py` of the generated project."""

from __future__ import annotations

from typing import Any

from lightgen.plan.types import Plan
from lightgen.render.environment import fill
from lightgen.render.imports import Imports
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Prose, Source, block, indent, literal

_QUANTIZED = {"digits": Expr("inputs * 16"), "diabetes": Expr("(inputs + 2) * 4")}
_TOKENS = {"digits": Prose("the rows of an image"), "diabetes": Prose("the measurements")}
_LOADERS = {"digits": "load_digits", "diabetes": "load_diabetes"}


def render_model(plan: Plan) -> str:
    """The text of model.py."""
    model, data = plan.model, plan.data
    names = [Identifier(name) for name in model.submodules]
    shape = data.image or (data.inputs,)
    tokens, features = data.tokens
    holes: dict[str, Any] = {
        "width": literal(model.width),
        "no_bias": Source("" if model.bias else ", bias=False"),
        "inputs": literal(data.inputs),
        "outputs": literal(data.outputs),
        "input_shape": Source(f"(batch, {', '.join(map(str, shape))})"),
        "output_shape": Source(f"(batch, {data.outputs})"),
        "tokens": literal(tokens),
        "features": literal(features),
        "token_meaning": _TOKENS[data.name],
        "first": names[0],
        "middles": names[1:-1],
        "head": names[-1],
        "bags": names,
        "quantized": _QUANTIZED[data.name],
        "forward": block(indent(_bag_forward(names), 2)),
    }
    whole = len(names) == 1 and not model.record.sparse
    return fill(f"models/{model.record.name}{'-whole' if whole else ''}.py", holes)


def _bag_forward(names: list[Identifier]) -> list[str]:
    if len(names) == 1:
        return [f"outputs: Tensor = self.{names[0]}(tokens)"]
    lines = [f"parts = tokens.chunk({len(names)}, dim=1)"]
    lines.append(f"outputs: Tensor = self.{names[0]}(parts[0])")
    lines += [
        f"outputs = outputs + self.{name}(parts[{at}])" for at, name in enumerate(names) if at
    ]
    return lines


def render_data(plan: Plan) -> str:
    """The text of data.py."""
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterator").names("typing", "Any")
    imports.module(f"{lightning_root(plan)} as pl", "torch")
    imports.names("sklearn.datasets", _LOADERS[plan.data.name])
    imports.names("torch.utils.data", "DataLoader", "Sampler", "TensorDataset", "random_split")
    if plan.data.name == "diabetes":
        imports.names("torch", "Tensor")
    full = plan.batch_size is None
    default = " | None = None" if full else f" = {literal(plan.batch_size)}"
    return fill(
        f"data/{plan.data.name}.py",
        {
            "imports": imports.source(),
            "batch_default": Source(default),
            "train_batch": Expr(
                "self.batch_size or len(self.train_set)" if full else "self.batch_size"
            ),
            "val_batch": Expr(
                "self.batch_size or len(self.val_set)" if full else "self.batch_size"
            ),
        },
    )
