"""`model.py` and `data.py` of the generated project."""

from __future__ import annotations

import re
from typing import Any

from lightgen.catalogue.parts import Data
from lightgen.plan.whole import Plan
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.others import render_other_data, render_other_model, resizing
from lightgen.render.values import lightning_root
from lightgen.source import Expr, Identifier, Prose, Source, block, call, indent, literal

_QUANTIZED = {"digits": Expr("inputs * 16"), "diabetes": Expr("(inputs + 2) * 4")}
_TOKENS = {"digits": Prose("the rows of an image"), "diabetes": Prose("the measurements")}
_LOADERS = {"digits": "load_digits", "diabetes": "load_diabetes"}


def render_model(plan: Plan) -> str:
    """The text of model.py."""
    if not plan.has_own_model:
        return render_other_model(plan)
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
        "token_meaning": _TOKENS.get(_family(data), ABSENT),
        "first": names[0],
        "middles": names[1:-1],
        "head": names[-1],
        "bags": names,
        "quantized": _QUANTIZED.get(_family(data), ABSENT),
        "forward": block(indent(_bag_forward(names), 2)),
    }
    if plan.task.optimizers:
        holes = {**holes, "image": literal(data.image)}
        return fill(f"models/{plan.task.name}-{model.record.name}.py", holes)
    whole = len(names) == 1 and not model.record.sparse
    name = f"models/{model.record.name}{'-whole' if whole else ''}.py"
    if plan.task.inputs == "text":
        name, holes = "models/text-transformer.py", {**holes, **_text_view(plan)}
    text = fill(name, holes)
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


def _text_view(plan: Plan) -> dict[str, Source]:
    """A causal transformer: the submodules in order share embedding, blocks and head."""
    names, width = plan.model.submodules, "width"
    embedding, blocks = [f"Embedding({width})"], [f"Block({width})", f"Block({width})"]
    head = [f"nn.LayerNorm({width})", f"nn.Linear({width}, SYMBOLS)"]
    if len(names) == 1:
        parts = [[*embedding, *blocks, *head]]
    elif len(names) == 2:
        parts = [[*embedding, *blocks], head]
    else:
        middles = [blocks] if len(names) == 3 else [blocks[:1]] * (len(names) - 2)
        parts = [embedding, *middles, head]
    lines = []
    for name, part in zip(names, parts, strict=True):
        lines += _assigned(name, part)
    inner = "" if len(parts[0]) == 1 else ".0"
    flow = [f"features = self.{names[0]}(symbols)"]
    flow += [f"features = self.{name}(features)" for name in names[1:-1]]
    last = "features" if len(names) > 1 else "symbols"
    flow = [*flow[: len(names) - 1], f"logits: Tensor = self.{names[-1]}({last})"]
    exempt = [f"{names[0]}{inner}.{each}" for each in ("position", "symbol.weight")]
    return {
        "submodules": block(indent(lines, 2)),
        "flow": block(indent(flow, 2)),
        "exempt": block(indent((f"{literal(each)}," for each in exempt), 3)),
        "context": literal(plan.data.inputs),
    }


def _assigned(name: str, parts: list[str]) -> list[str]:
    if len(parts) == 1:
        return [f"self.{name} = {parts[0]}"]
    lines = call("nn.Sequential", *parts)
    return [f"self.{name} = {lines[0]}", *lines[1:]]


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
    if not plan.has_own_data:
        return render_other_data(plan)
    imports = Imports(plan.package)
    imports.names("collections.abc", "Iterator").names("typing", "Any")
    imports.module(f"{lightning_root(plan)} as pl", "torch")
    imports.names("torch.utils.data", "DataLoader", "Sampler", "TensorDataset", "random_split")
    if _family(plan.data) in _LOADERS:
        imports.names("sklearn.datasets", _LOADERS[_family(plan.data)])
    if plan.data.name == "pydoc":
        imports.names("pydoc_data.topics", "topics").names("torch", "Tensor")
    if plan.data.name == "diabetes":
        imports.names("torch", "Tensor")
    resized = resizing(plan, imports)
    full = plan.batch_size is None
    default = " | None = None" if full else f" = {literal(plan.batch_size)}"
    return fill(
        f"data/{_data_template(plan)}.py",
        {
            **_halves(plan.data),
            **resized,
            "image_shape": Source(f"(batch, {', '.join(map(str, plan.data.image or ()))})"),
            "imports": imports.source(),
            "batch_default": Source(default),
            "window": literal(plan.data.inputs),
            "epoch_windows": literal(plan.data.train_samples),
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
