"""Read the optimizers of other packages and write `others.json`, as `introspect.py` does torch's.

    python -m lightgen.catalogue.survey              # every package that can be imported
    python -m lightgen.catalogue.survey geoopt.optim # one module, the others as they stand

What no signature tells comes from training with each class, in `probe.py`. torchao and bitsandbytes
can be imported without a GPU, not tried: what is known of them stands in `_GPU`. A test compares
the arguments with the packages that are installed.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightgen.catalogue.others import OTHER, REQUIRED

FACTS = Path(__file__).with_name("others.json")
# Where the classes of a package stand, and the distribution that has them.
MODULES = {
    "bitsandbytes.optim": "bitsandbytes",
    "geoopt.optim": "geoopt",
    "heavyball": "heavyball",
    "pytorch_optimizer": "pytorch-optimizer",
    "schedulefree": "schedulefree",
    "timm.optim": "timm",
    "torchao.optim": "torchao",
    "transformers": "transformers",
}
# Of a module with much else, or of variants without end: these.
_ONLY = {
    "heavyball": "ADOPT AdamW LaProp MuonAdamW NAdam PSGDKron RMSprop SFAdamW SGD SOAP".split(),
    "transformers": ["Adafactor"],
}
_GPU = ("bitsandbytes.optim", "torchao.optim")
# Why a class is not what [optimizer] can name, by what it asks for first.
_FIRST = {
    "model": "takes the model, not parameter groups",
    "optimizer": "wraps an optimizer that is made before it",
    "base_optimizer": "wraps an optimizer that is made before it",
    "specs": "takes optimizers, not parameter groups",
    "optimizer_class": "wraps an optimizer that is made before it",
}
_TWICE = (
    "takes the gradients of a step before it, and Lightning computes them within; "
    "--set optimizer.skeleton=two-closure writes such a class for Lightning"
)
_SECOND = "needs gradients of gradients, which Lightning's backward does not keep"
_SPLITS = "asks each group for use_muon; --optimizer composite has a Muon and an AdamW for the rest"
_SPARSE = "takes sparse gradients alone; torch.optim.SparseAdam does, on the embedding-bag"
_UNFIT = {"base_optimizer": _TWICE, "wrapped_optimizer": _TWICE}
# By what a class raises.
_RAISED = {
    "grad_fn": _SECOND,
    "create_graph": _SECOND,
    "use_muon": _SPLITS,
    "has no attribute 'dim'": _SPARSE,
}
# Arguments without which a class goes by rates of its own, whatever the groups say.
_CUSTOMARY = {
    "pytorch_optimizer.AdaFactor": {"relative_step": False},
    "transformers.Adafactor": {"relative_step": False, "scale_parameter": False},
}


def survey(module: str) -> dict[str, Any]:
    """The facts of every class of a module, by its path."""
    found = import_module(module)
    names = _ONLY.get(module) or [name for name in dir(found) if not name.startswith("_")]
    records = {}
    for name in names:
        cls = getattr(found, name)
        if _is_optimizer(cls):
            sys.stderr.write(f"{module}.{name}\n")
            path = f"{module}.{name}"
            records[path] = record(cls, path)
    return records


def _is_optimizer(cls: Any) -> bool:
    import torch

    return (
        inspect.isclass(cls)
        and issubclass(cls, torch.optim.Optimizer)
        and not cls.__module__.startswith("torch.")
    )


def record(cls: Any, path: str) -> dict[str, Any]:
    """Summary, arguments and facts of a class."""
    from lightgen.catalogue.probe import is_finite, probe

    known, customary = arguments(cls), _CUSTOMARY.get(path, {})
    rate = known.get("lr")
    lr = float(rate) if rate is not None and is_finite(rate) else 1e-3
    reason = _reason(cls)
    if reason:
        facts: dict[str, Any] = {"refused": reason}
    elif path.startswith(_GPU):
        facts = {"gpu": True, "lr": lr}
    else:
        needed = {"lr": lr} if rate == REQUIRED else {}
        facts = _named(probe(cls, {**needed, **customary}, lr, known))
    if customary:
        facts["customary"] = customary
    return {"summary": _summary(cls), "arguments": known, **facts}


def arguments(cls: Any) -> dict[str, Any]:
    """The arguments behind the groups, each with its default."""
    return {
        each.name: _plain(each.default)
        for each in _signature(cls)[1:]
        if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }


def _signature(cls: Any) -> list[inspect.Parameter]:
    """The parameters of the class, with those of the one it hands its own on to."""
    found: dict[str, inspect.Parameter] = {}
    for each in cls.__mro__:
        if "__init__" not in vars(each) or each.__module__.startswith("torch.optim.optimizer"):
            continue
        own = list(inspect.signature(vars(each)["__init__"]).parameters.values())[1:]
        found = {**{p.name: p for p in own}, **found}
        if not any(p.kind is p.VAR_POSITIONAL for p in own):
            break
    return [p for p in found.values() if p.kind is not p.VAR_POSITIONAL]


def _plain(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return REQUIRED
    if isinstance(value, tuple | list):
        inner = [_plain(each) for each in value]
        return OTHER if OTHER in inner else inner
    return value if isinstance(value, bool | int | float | str | None) else OTHER


def _summary(cls: Any) -> str:
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    lines = (line.strip().rstrip(".").replace("`", "") for line in doc.splitlines() if line.strip())
    first = next(lines, cls.__name__)
    return first if len(first) <= 90 else f"{first[:87].rsplit(' ', 1)[0]}..."


def _reason(cls: Any) -> str:
    """Why the signature alone says that a class cannot be one, or an empty text."""
    signature = _signature(cls)
    needed = {p.name for p in signature[1:] if p.default is p.empty and p.kind < p.VAR_KEYWORD}
    first = _FIRST.get(signature[0].name) if signature else "takes no parameter groups"
    twice = next((why for name, why in _UNFIT.items() if name in {p.name for p in signature}), "")
    missing = ", ".join(sorted(needed - {"lr", *_UNFIT}))
    return first or twice or (f"needs {missing}, which only the code can know" if missing else "")


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    """A refusal in the words of a user, where what the class raised is known."""
    raised = facts.get("refused", "")
    reason = next((reason for text, reason in _RAISED.items() if text in raised), "")
    return {"refused": reason} if reason else facts


def as_text(facts: dict[str, Any]) -> str:
    """The facts as they stand in the file: a line for each class."""
    lines = [f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in facts["optimizers"].items()]
    joined = ",\n".join(lines)
    return (
        f'{{\n "versions": {json.dumps(facts["versions"])},\n "optimizers": {{\n{joined}\n }}\n}}\n'
    )


def renewed(modules: list[str]) -> str:
    """The text of the file, with these modules, or all that can be imported, looked at anew."""
    # Some compile their update, which here costs more than it spares.
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
    facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
    versions, records = facts.get("versions", {}), facts.get("optimizers", {})
    for module in modules or MODULES:
        try:
            found = survey(module)
        except ImportError as error:
            sys.stderr.write(f"{module}: left as it is ({error})\n")
            continue
        kept = {key: row for key, row in records.items() if key.rpartition(".")[0] != module}
        records = dict(sorted({**kept, **found}.items()))
        versions[MODULES[module]] = version(MODULES[module]).split("+")[0]
    return as_text({"versions": dict(sorted(versions.items())), "optimizers": records})


if __name__ == "__main__":
    FACTS.write_text(renewed(sys.argv[1:]), encoding="utf-8")
