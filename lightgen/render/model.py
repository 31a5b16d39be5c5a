"""`model.py` and `data.py` of the generated project."""

from __future__ import annotations

import re
from typing import Any

from lightgen.catalogue.parts import Data
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
        "token_meaning": _TOKENS[_family(data)],
        "first": names[0],
        "middles": names[1:-1],
        "head": names[-1],
        "bags": names,
        "quantized": _QUANTIZED[_family(data)],
        "forward": block(indent(_bag_forward(names), 2)),
    }
    whole = len(names) == 1 and not model.record.sparse
    text = fill(f"models/{model.record.name}{'-whole' if whole else ''}.py", holes)
    return _checkpointed(text, names[:-1]) if model.checkpoints else text


def _checkpointed(text: str, names: list[Identifier]) -> str:
    """The network whose submodules compute their activations again for the gradients."""
    torch_import = "from torch import Tensor, nn\n"
    own_import = "from torch.utils.checkpoint import checkpoint\n"
    text = text.replace(torch_import, torch_import + own_import)
    for name in names:
        once = rf"self\.{name}\((.*)\)$"
        twice = rf"checkpoint(self.{name}, \1, use_reentrant=False)"
        text = re.sub(once, twice, text, flags=re.MULTILINE)
    return text


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
    imports.names("sklearn.datasets", _LOADERS[_family(plan.data)])
    imports.names("torch.utils.data", "DataLoader", "Sampler", "TensorDataset", "random_split")
    if plan.data.name == "diabetes":
        imports.names("torch", "Tensor")
    full = plan.batch_size is None
    default = " | None = None" if full else f" = {literal(plan.batch_size)}"
    return fill(
        f"data/{_data_template(plan)}.py",
        {
            **_halves(plan.data),
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


def _family(data: Data) -> str:
    """Where the samples come from: the digits of a half are digits."""
    return data.name if data.first_digit is None else "digits"


def _data_template(plan: Plan) -> str:
    if plan.transfers:
        return "transfer"
    return plan.data.name if plan.data.first_digit is None else "digits-half"


def _halves(data: Data) -> dict[str, Source]:
    """Which digits there are, and which are the others."""
    first = data.first_digit
    if first is None:
        return {}
    other = first - data.outputs if first else data.outputs
    return {
        "first": literal(first),
        "last": literal(first + data.outputs),
        "other_first": literal(other),
        "other_last": literal(other + data.outputs),
        "labelled": literal(data.train_samples),
    }
