"""Warnings that a right project cannot avoid: each is filtered narrowly and explained."""

from __future__ import annotations

from dataclasses import dataclass

from lightgen.plan.whole import Plan
from lightgen.source import Source, block, literal


@dataclass(frozen=True)
class Noise:
    """A warning's message as a regular expression, and why it may be ignored."""

    reason: str
    message: str
    category: str = ""


def noises(plan: Plan) -> list[Noise]:
    """The warnings that a project of this plan can meet."""
    found = [
        Noise(
            "The data lives in memory, where worker processes would only cost time.",
            ".*does not have many workers.*",
        ),
        Noise(
            "A resumed run goes on in the folder of its checkpoint.",
            "Checkpoint directory .* exists",
        ),
        Noise("Lightning's own use of a name that torch renames.", ".*LeafSpec.*", "FutureWarning"),
    ]
    if str(plan.trainer.get("precision", "32-true")) not in ("32-true", "32"):
        found.append(
            Noise(
                "The model summary estimates its size in 32 bits.",
                "Precision .* by the model summary",
            )
        )
    if plan.model.compiles:
        found.append(
            Noise(
                "torch's compiler uses what torch deprecates.",
                ".*torch.jit.script_method.*",
                "DeprecationWarning",
            )
        )
    if plan.model.record.sparse and plan.optimizer.record.name == "Adagrad":
        found.append(
            Noise("torch's own way of squaring sparse gradients.", "Sparse invariant checks.*")
        )
    return found


def filter_calls(plan: Plan) -> Source:
    """The filters of train.py."""
    lines = []
    for noise in noises(plan):
        category = f", category={noise.category}" if noise.category else ""
        call = f'warnings.filterwarnings("ignore", message={literal(noise.message)}{category})'
        lines += [f"# {noise.reason}", call]
    return block(lines)


def filter_settings(plan: Plan) -> Source:
    """The filters of pytest's configuration."""
    lines = []
    for noise in noises(plan):
        category = f":{noise.category}" if noise.category else ""
        lines += [f"    # {noise.reason}", f'    "ignore:{noise.message}{category}",']
    return block(lines)
