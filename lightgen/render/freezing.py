"""Groups that are frozen, for good or until an epoch: gradients, modes and hooks."""

from __future__ import annotations

from lightgen.plan.whole import Plan
from lightgen.render.clipping import clip_hook
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.others import network_type
from lightgen.render.values import frozen_modules
from lightgen.source import Expr, Source, block, indent, literal


def unfreeze_fragment(plan: Plan, imports: Imports) -> str:
    """The part of optim.py that keeps groups still until their epoch."""
    imports.names("collections.abc", "Iterator")
    epochs = [f"{literal(name)}: {epoch}," for name, epoch in plan.until_epoch.items()]
    lines = _MATCHED if plan.matches else _NAMED
    holes = {"epochs": block(indent(epochs)), "module_lines": block(indent(lines))}
    holes["network"] = network_type(plan)
    return fill("optim/unfreeze.py", holes)


_NAMED = [
    "for group, first_epoch in UNFREEZE_EPOCHS.items():",
    "    if epoch < first_epoch:",
    "        yield model.get_submodule(group)",
]
_MATCHED = [
    "frozen = {",
    "    id(parameter)",
    "    for group, parameters in match_parameters(model).items()",
    "    for _, parameter in parameters",
    "    if epoch < UNFREEZE_EPOCHS.get(group, 0)",
    "}",
    "for module in model.modules():",
    "    own = [id(parameter) for parameter in module.parameters()]",
    "    if own and frozen.issuperset(own):",
    "        yield module",
]


_WITHOUT_GRADIENT = [
    "for module in self.model.modules():",
    "    own = list(module.parameters())",
    "    if own and not any(parameter.requires_grad for parameter in own):",
    "        module.eval()",
]


def train_mode(plan: Plan) -> Source:
    """The methods that keep frozen parts in eval mode."""
    calls = [*_eval_lines(plan)]
    if plan.until_epoch:
        calls += [
            "for module in frozen_modules(self.model, self.current_epoch):",
            "    module.eval()",
        ]
    if not calls:
        return ABSENT
    lines = [
        "def train(self, mode: bool = True) -> Self:",
        "    super().train(mode)",
        "    # Frozen: dropout and running statistics rest too.",
        *indent(calls),
        "    return self",
        "",
        "def on_train_start(self) -> None:",
        "    # Lightning trains in the modes that it finds, and calls no train().",
        "    self.train()",
    ]
    if plan.until_epoch:
        lines += ["", "def on_train_epoch_start(self) -> None:", "    self.train()"]
    return block(["", *indent(lines)])


def _eval_lines(plan: Plan) -> list[str]:
    if not plan.has_own_model:
        return _WITHOUT_GRADIENT if plan.frozen else []
    modules = frozen_modules(plan)
    if not plan.matches:
        return [f"self.model.{name}.eval()" for name in modules]
    if not modules:
        return []
    names = literal(tuple(modules))
    return [
        "for name, module in self.model.named_modules():",
        f"    if name in {names}:",
        "        module.eval()",
    ]


def step_hooks(plan: Plan) -> list[str]:
    """The methods that Lightning calls between the backward pass and the step."""
    lines = fill("tasks/unfreeze.py", {}).splitlines() if plan.until_epoch else []
    return [*lines, *clip_hook(plan)]


def epochs_to_move(plan: Plan, imports: Imports) -> Expr:
    """The flag of a run in which every group that trains has moved."""
    # Epochs of a single batch have a turn in every other.
    epochs = 2 if any(wiring.frequency > 1 for wiring in plan.wirings) else 1
    if not plan.until_epoch:
        return literal(f"--max-epochs={epochs}")
    imports.own("optim", "UNFREEZE_EPOCHS")
    return Expr(f'f"--max-epochs={{{epochs} + max(UNFREEZE_EPOCHS.values())}}"')
