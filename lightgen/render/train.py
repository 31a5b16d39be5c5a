"""`train.py` and `plot.py` of the generated project."""

from __future__ import annotations

from lightgen.catalogue.trainer import DOUBLE
from lightgen.plan.whole import Plan
from lightgen.render.averaging import averaging_callback
from lightgen.render.environment import ABSENT, fill
from lightgen.render.imports import Imports
from lightgen.render.launchers import launch_arguments, launch_holes
from lightgen.render.noise import filter_calls
from lightgen.render.optim import star_meaning
from lightgen.render.strategies import strategy_object, train_holes
from lightgen.render.values import argument_value, lightning_root
from lightgen.render.weights import weights_holes
from lightgen.source import Expr, Identifier, Source, block, call, indent, literal

_LIMIT = "limit_train_batches"
_LOGGERS = {"csv": "CSVLogger", "tensorboard": "TensorBoardLogger"}


def render_train(plan: Plan) -> str:
    """The text of train.py."""
    root = lightning_root(plan)
    logger = _LOGGERS[plan.logger]
    imports = Imports(plan.package)
    imports.module("argparse", "math", "os", "sys", "warnings", f"{root} as pl")
    imports.names("collections.abc", "Iterator", "Sequence").names("pathlib", "Path")
    imports.names("importlib.util", "find_spec").names("typing", "Any")
    imports.names(f"{root}.callbacks", "ModelCheckpoint")
    if plan.layered:
        imports.own("rates", "RateMonitor")
    else:
        imports.names(f"{root}.callbacks", "LearningRateMonitor")
    imports.names(f"{root}.loggers", logger)
    imports.own("data", "DataModule").own("optim", "parameter_groups")
    imports.own("module", plan.task.module).own("plot", "CurvePlot")
    imports.own("recipe", "CHOICES", "AnotherRecipeError")
    if plan.task.name == "gan":
        imports.own("samples", "SampleGrid")
    weights, trainer_lines = weights_holes(plan, imports), _trainer_lines(plan, imports)
    if plan.task.name == "language-model" and plan.has_own_data:
        imports.own("module", "sample")
    launch = launch_holes(plan)
    batches = plan.max_steps if plan.max_steps < 0 else plan.max_steps * plan.accumulate
    several = train_holes(plan, imports, _show(plan))
    return fill(
        "project/src/__package__/train.py",
        {
            "imports": imports.source(),
            "package": Identifier(plan.package),
            "max_epochs": literal(plan.max_epochs),
            "max_steps": literal(batches),
            "seed": literal(plan.seed),
            "star_meaning": star_meaning(plan),
            "module": Identifier(plan.task.module),
            "logger": Source(f'    logger = {logger}("runs", name={launch["run_name"]})'),
            "trainer_arguments": block(indent(trainer_lines)),
            "best_metric": Source(plan.task.best_metric),
            "filters": filter_calls(plan),
            "accumulate": _accumulate_lines(plan),
            **weights,
            **launch,
            **several,
            "batch_limit": _batch_limit(plan),
            "resumed": _resumed(plan),
        },
    )


def _show(plan: Plan) -> Source:
    """What a run shows of what was learned."""
    if plan.task.name != "language-model" or not plan.has_own_data:
        return ABSENT
    return block(indent(['print(sample(trainer.lightning_module, "The ", length=200))']))


def _accumulate_lines(plan: Plan) -> Source:
    """Only a project that accumulates has to turn batches into steps."""
    if plan.accumulate == 1:
        return ABSENT
    limit = plan.trainer.get(_LIMIT)
    constants, length = [f"ACCUMULATE = {literal(plan.accumulate)}"], "len(data.train_dataloader())"
    lines = []
    if limit is not None:
        constants += ["# What is taken of an epoch.", f"LIMIT = {literal(limit)}"]
        part = f"int({length} * LIMIT)" if isinstance(limit, float) else f"min({length}, LIMIT)"
        lines, length = [f"length = {part}"], "length"
    holes = {
        "constants": block(constants),
        "length_lines": block(indent(lines)) if lines else ABSENT,
        "length": Source(length),
    }
    return Source(fill("tasks/optimizer_steps.py", holes))


def _batch_limit(plan: Plan) -> Source:
    """Only the code can count batches where several optimizers step."""
    if not plan.is_manual:
        return ABSENT
    return block(indent(["task.max_batches = arguments.max_steps"]))


def _resumed(plan: Plan) -> Source:
    """What Lightning does not by itself, so that a resumed run is the same one.

    Only a Trainer that has max_steps takes each resumed run for one in mid-epoch.
    """
    lines = []
    if plan.trainer.get("precision") in DOUBLE:
        lines = [
            "# Lightning restores weights before it makes them double: it would round them.",
            "task.double()",
        ]
    if plan.is_manual:
        return block(indent(lines)) if lines else ABSENT
    lines += [
        "# With max_steps, Lightning would count the last epoch of a checkpoint twice.",
        "loop: Any = trainer.fit_loop",
        "loop._iteration_based_training = lambda: False",
    ]
    return block(indent(lines))


def _trainer_lines(plan: Plan, imports: Imports) -> list[str]:
    steps = "arguments.max_steps"
    arguments: dict[str, str] = {
        "max_epochs": "arguments.max_epochs",
        "max_steps": steps if plan.accumulate == 1 else f"optimizer_steps({steps}, data)",
        "fast_dev_run": "arguments.fast_dev_run",
        "logger": "logger",
        "callbacks": "\n".join(_callbacks(plan, imports)),
    }
    if plan.is_manual:
        del arguments["max_steps"]
    launch = launch_arguments(plan)
    arguments |= launch
    for key, value in plan.trainer.items():
        if key in launch:
            continue
        known = Expr("ACCUMULATE") if key == "accumulate_grad_batches" and value > 1 else None
        if key == _LIMIT and plan.accumulate > 1:
            known = Expr("LIMIT")
        if key == "strategy":
            known = strategy_object(plan)
        arguments[key] = known or argument_value(value)
    return call("x", **arguments)[1:-1]


def _callbacks(plan: Plan, imports: Imports) -> list[str]:
    checkpoint = call(
        "ModelCheckpoint",
        dirpath='resumed_folder or run_folder / "checkpoints"',
        filename=literal("best"),
        monitor=literal(plan.task.best_metric),
        mode=literal(plan.task.best_mode),
    )
    samples = ['    SampleGrid(run_folder / "samples"),'] if plan.task.name == "gan" else []
    if samples and plan.averaging:
        samples.insert(0, "    # Before the average, which takes itself back after the validation.")
    last = call(
        "ModelCheckpoint",
        dirpath='resumed_folder or run_folder / "checkpoints"',
        filename=literal("last"),
    )
    return [
        "[",
        *indent([*checkpoint[:-1], "),"]),
        "    # Not by save_last above: that writes only what is the best so far.",
        *indent([*last[:-1], "),"]),
        *(samples if plan.averaging else []),
        *indent(averaging_callback(plan, imports)),
        (
            "    RateMonitor(),"
            if plan.layered
            else '    LearningRateMonitor(logging_interval="step"),'
        ),
        *([] if plan.averaging else samples),
        "    *plots,",
        "    *callbacks,",
        "]",
    ]


def render_plot(plan: Plan) -> str:
    """The text of plot.py."""
    imports = Imports(plan.package)
    imports.names("collections", "defaultdict").names("pathlib", "Path").names("typing", "Any")
    imports.module(f"{lightning_root(plan)} as pl")
    lines = [
        "for group in optimizer.param_groups:",
        '    self.rates[group["name"]].append(float(group["lr"]))',
    ]
    if plan.layered:
        imports.own("optim", "named_rates")
        lines = [
            "for group, rate in named_rates(optimizer.param_groups).items():",
            "    self.rates[group].append(rate)",
        ]
    losses = _OWN_LOSSES if plan.task.optimizers else _ONE_LOSS
    holes = {
        "imports": imports.source(),
        "rate_lines": block(indent(lines, 3)),
        **{hole: block(indent(drawn, 2)) for hole, drawn in losses.items()},
    }
    return fill("project/src/__package__/plot.py", holes)


# How a picture keeps and draws the training loss; a task may have one for each network.
_ONE_LOSS = {
    "losses": ["self.losses: list[float] = []"],
    "record_losses": ['self.losses.append(float(outputs["loss"]))'],
    "draw_losses": [
        "loss_axes.plot(self.losses)",
        'loss_axes.set_ylabel("train/loss")',
        'loss_axes.set_yscale("log")',
    ],
}
_OWN_LOSSES = {
    "losses": ["self.losses: dict[str, list[float]] = defaultdict(list)"],
    "record_losses": [
        "for name, value in trainer.callback_metrics.items():",
        '    if name.startswith("train/"):',
        "        self.losses[name].append(float(value))",
    ],
    "draw_losses": [
        "for name, losses in self.losses.items():",
        "    loss_axes.plot(losses, label=name)",
        'loss_axes.set_ylabel("loss")',
        "loss_axes.legend()",
    ],
}


def render_samples(plan: Plan) -> str:
    """The text of samples.py."""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").module("torch", f"{lightning_root(plan)} as pl")
    imports.names("matplotlib.image", "imsave")
    imports.names(f"{lightning_root(plan)}.utilities", "rank_zero_only")
    imports.own("model", "sample_noise")
    hook, unless = "on_train_epoch_end", ABSENT
    if plan.averaging is not None:
        # The average stands in for the weights while it is validated, and only then.
        hook = "on_validation_epoch_end"
        unless = block(indent(["if trainer.sanity_checking:", "    return"], 2))
    return fill(
        "tasks/several/samples.py",
        {"imports": imports.source(), "hook": Identifier(hook), "unless": unless},
    )
