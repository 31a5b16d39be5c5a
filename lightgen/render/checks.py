"""The tests of the generated project: they grow with the spec."""

from __future__ import annotations

from lightgen.catalogue.trainer import DOUBLE, HALF
from lightgen.plan.whole import Plan
from lightgen.render.clipping import clip_tables
from lightgen.render.environment import ABSENT, fill
from lightgen.render.freezing import epochs_to_move
from lightgen.render.imports import Imports
from lightgen.render.others import network_call, no_checkpointing, output_of
from lightgen.render.path_schedule import rises_from_zero
from lightgen.render.values import (
    casts_weights,
    frozen_modules,
    lightning_root,
    resume_tolerance,
    resumes_inexactly,
)
from lightgen.source import Expr, Identifier, Source, block, indent, literal


def _where_groups_are(plan: Plan) -> dict[str, Source]:
    """How a test comes to the groups of the only optimizer, or of all."""
    model = f"{plan.task.module}().model"
    if not plan.is_manual:
        return {
            "optimizer_groups": Expr(f"build_optimizer({model}, {{}}).param_groups"),
            "task_groups": Expr("build_optimizer(task.model, {}).param_groups"),
            "trained_groups": Expr("build_optimizer(trained.model, trained.rates).param_groups"),
            "recipe_at": Source(""),
        }
    every = "build_optimizers({}, {}).values() for group in each.param_groups"
    return {
        "optimizer_groups": Expr(f"[group for each in {every.format(model, '{}')}]"),
        "task_groups": Expr(f"[group for each in {every.format('task.model', '{}')}]"),
        "trained_groups": Expr(
            f"[group for each in {every.format('trained.model', 'trained.rates')}]"
        ),
        "recipe_at": Source("[0]"),
    }


def _builder(plan: Plan) -> str:
    return "build_optimizers" if plan.is_manual else "build_optimizer"


# What gives a module by itself the type that the Trainer gives its weights.
_CAST = {
    **{str(each): ".double()" for each in DOUBLE},
    "bf16-true": ".bfloat16()",
    "16-true": ".half()",
}


def render_training_test(plan: Plan) -> str:
    """The text of tests/test_training.py."""
    places = _where_groups_are(plan)
    imports = Imports(plan.package)
    imports.names("collections.abc", "Sequence").names("pathlib", "Path")
    imports.module("pytest", "shutil", "torch", f"{lightning_root(plan)} as pl")
    imports.own("module", plan.task.module).own("optim", _builder(plan))
    imports.own("data", "DataModule")
    imports.own("train", "main", "parse_arguments", "train")
    imports.names("typing", "Any")
    frozen = frozen_modules(plan)
    importing = {"epochs_to_move": epochs_to_move(plan, imports)}
    before_weights = _load_weights(plan, imports, "before")
    # The one history of LBFGS follows no names.
    by_name = plan.optimizer.class_name != "LBFGS"
    tolerance = {"tolerance": resume_tolerance(plan)}
    # Where torch makes a tensor of a number that it loads, what was saved is to be compared.
    kept = {"kept": Source("states[name][key]" if resumes_inexactly(plan) else "value")}
    which = "" if plan.has_own_model else "_other"
    if which:
        imports.own("optim", "parameter_groups")
    holes = {
        **importing,
        **places,
        **tolerance,
        "moved": Source(fill(f"tests/moved{which}.py", {}).rstrip("\n")),
        "imports": imports.source(),
        "before_weights": before_weights,
        "any_dtype": _any_dtype(plan),
        "module": Identifier(plan.task.module),
        "best_metric": Source(plan.task.best_metric),
        **_owner_holes(plan),
        # A schedule of another package may begin at a rate of zero.
        "rate_key": Source("initial_lr" if rises_from_zero(plan.schedule) else "lr"),
        "no_state": _no_state(plan),
        "as_weights": _as_weights(plan),
        "test_names": (
            Source(fill("tests/resume_names.py", kept).rstrip("\n")) if by_name else ABSENT
        ),
        "test_steps": (
            ABSENT
            if plan.is_manual
            else Source(fill("tests/resume_steps.py", tolerance).rstrip("\n"))
        ),
        "epochs_to_checkpoint": literal(plan.trainer.get("check_val_every_n_epoch") or 1),
    }
    text = fill("tests/test_training.py", holes)
    if which and plan.frozen:
        text += fill("tests/frozen_other.py", {})
    elif frozen:
        paths = block(indent([f"{literal(path)}," for path in frozen], 2))
        text += fill("tests/frozen.py", {"frozen": paths})
    if plan.turning:
        text += fill("tests/weights.py", {"state_to_evaluate": _state_to_evaluate(plan)})
    return text


def _no_state(plan: Plan) -> Source:
    """Lines that hold that weights alone are kept; some classes make their state at once."""
    state = "begun.trainer.optimizers[0].state"
    if plan.optimizer.record.turns:
        same = f"assert len({state}) == len(new)"
    elif plan.optimizer.class_name == "Adagrad":
        same = f"torch.testing.assert_close([*{state}.values()], [*new.values()])"
    else:
        return Source(f"    assert not {state}")
    return block(indent(["new = begin(*LENGTH).trainer.optimizers[0].state", same]))


def _as_weights(plan: Plan) -> Source:
    """An average keeps the precision that weights have before the Trainer casts them."""
    if not plan.averaging or plan.trainer.get("precision") not in HALF:
        return ABSENT
    cast = "saved = {name: tensor.to(state[name].dtype) for name, tensor in saved.items()}"
    return block(indent(["# The average is kept in single precision.", cast]))


def _any_dtype(plan: Plan) -> Source:
    """A checkpoint is in the precision of the Trainer, a module by itself in torch's."""
    return Source("        check_dtype=False,") if casts_weights(plan) else ABSENT


def _state_to_evaluate(plan: Plan) -> Source:
    """Lines that read it; beside a class that turns, others have no such word."""
    groups = 'groups = checkpoint["optimizer_states"][0]["param_groups"]'
    lines = [groups, 'return not any(group["train_mode"] for group in groups)']
    if plan.is_manual:
        lines = [
            'states = checkpoint["optimizer_states"]',
            'groups = [group for state in states for group in state["param_groups"]]',
            'modes = [group["train_mode"] for group in groups if "train_mode" in group]',
            "return bool(modes) and not any(modes)",
        ]
    return block(indent(lines))


def _owner_holes(plan: Plan) -> dict[str, Source]:
    """A layer has a share of its group's rate."""
    if not plan.layered:
        owner, unscaled, half = 'removesuffix("/no_decay")', "", "rate"
    else:
        owner, half = 'partition("/")[0]', 'group["lr"] / 2'
        unscaled = ' / group.get("lr_scale", 1.0)'
    return {"owner": Source(owner), "unscaled": Source(unscaled), "half": Source(half)}


def render_unfreezing_test(plan: Plan) -> str:
    """The text of tests/test_unfreezing.py."""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").names("typing", "Any")
    imports.module("pytest", "torch", f"{lightning_root(plan)} as pl")
    imports.names("torch", "Tensor")
    imports.names("collections.abc", "Sequence")
    imports.own("optim", "UNFREEZE_EPOCHS", _builder(plan), "frozen_modules")
    imports.own("module", plan.task.module).own("train", "parse_arguments", "train")
    cast = _CAST.get(str(plan.trainer.get("precision")))
    resting = "frozen_modules(task.model, batch // batches)"
    always = [f"task.model.get_submodule({literal(path)})" for path in frozen_modules(plan)]
    if always:
        resting = f"[*{resting}, {', '.join(always)}]"
    before_weights = _load_weights(plan, imports, "task.model")
    holes = {
        "imports": imports.source(),
        "module": Identifier(plan.task.module),
        "tolerance": resume_tolerance(plan),
        "before_weights": before_weights,
        "as_trained": block([f"    task{cast}"]) if cast else ABSENT,
        "resting": Source(resting),
        **_where_groups_are(plan),
    }
    return fill("tests/test_unfreezing.py", holes)


def _load_weights(plan: Plan, imports: Imports, model: str) -> Source:
    """What gives a network the weights that a run starts from."""
    if not plan.loads_weights:
        return ABSENT
    imports.own("weights", "load_weights")
    return Source(f"    load_weights({model}, parse_arguments([]).weights)")


def render_layers_test(plan: Plan) -> str:
    """The text of tests/test_layers.py."""
    imports = Imports(plan.package)
    imports.names("pathlib", "Path").names("typing", "Any").names("torch", "nn").module("pytest")
    imports.own("layers", "number_layers").own("module", plan.task.module)
    imports.own("optim", "parameter_groups").own("train", "parse_arguments", "train")
    holes = {
        "imports": imports.source(),
        "module": Identifier(plan.task.module),
        "package": Identifier(plan.package),
        "groups": Source(f"    groups = {_all_groups(plan)}"),
    }
    return fill("tests/test_layers.py", holes)


def _all_groups(plan: Plan) -> str:
    """The groups of the optimizers of a Trainer."""
    if plan.is_manual:
        return "[group for each in trainer.optimizers for group in each.param_groups]"
    return "trainer.optimizers[0].param_groups"


def render_clipping_test(plan: Plan) -> str:
    """The text of tests/test_clipping.py."""
    imports = Imports(plan.package)
    imports.names("typing", "Any").names("torch", "Tensor")
    imports.module("pytest", "torch", f"{lightning_root(plan)} as pl")
    tables = clip_tables(plan)
    imports.own("optim", *tables).own("train", "parse_arguments", "train")
    size = {"CLIP_NORMS": "gradient.norm()", "CLIP_VALUES": "gradient.abs().max()"}
    checks = []
    for at, table in enumerate(tables):
        checks += [
            f"{'elif' if at else 'if'} owner in {table}:",
            f"    assert {size[table]} == pytest.approx(BOUND, rel=1e-2)",
        ]
    holes = {
        "imports": imports.source(),
        "tables": Source(f"{', '.join(tables)}{',' if len(tables) == 1 else ''}"),
        "checks": block(indent(checks, 2)),
    }
    return fill("tests/test_clipping.py", holes)


def render_groups_test(plan: Plan) -> str:
    """The text of tests/test_groups.py."""
    splits = [group for group in plan.trained if group.splits_decay]
    imports = Imports(plan.package)
    imports.module("pytest", "torch").names("torch", "nn").own("module", plan.task.module)
    places = _where_groups_are(plan)
    imports.own("optim", _builder(plan), "check_coverage", "parameter_groups")
    if plan.matches:
        imports.own("optim", "PATTERNS", "match_parameters")
    module = Identifier(plan.task.module)
    # Where lightgen writes the network, a parameter of its own stands first.
    another = Expr(f"parameter_groups({module}().model, {{}})")
    before = block(indent(["groups = parameter_groups(model, {})"]))
    holes = {
        **places,
        "imports": imports.source(),
        "module": module,
        "groups_before": ABSENT if plan.has_own_model else before,
        "groups_of_another": another if plan.has_own_model else Expr("groups"),
    }
    text = fill("tests/test_groups.py", holes)
    if splits:
        text += fill("tests/groups_decay.py", holes)
    if plan.matches:
        everything = _all_names(plan)
        holes = {"package": Identifier(plan.package), "module": module, "everything": everything}
        text += fill("tests/groups_patterns.py", holes)
    return text


def _all_names(plan: Plan) -> Source:
    """A weight of other people's model may have several names."""
    model = f"{plan.task.module}().model"
    line = f"everything = [name for name, _ in {model}.named_parameters()]"
    if plan.has_own_model:
        return block(indent([line]))
    twice = f"named = {model}.named_parameters(remove_duplicate=False)"
    return block(indent([twice, "everything = [name for name, _ in named]"]))


def model_tests(plan: Plan) -> dict[str, str]:
    """tests/test_model.py, where the network does more than compute its outputs."""
    parts = []
    imports = Imports(plan.package)
    imports.module("torch").own("data", "DataModule")
    network_call(plan, imports)
    which = "" if plan.has_own_model else "_other"
    holes = {
        "module": Identifier(plan.task.module),
        "package": Identifier(plan.package),
        "output": output_of(plan),
        "no_checkpointing": no_checkpointing(plan),
    }
    if plan.model.checkpoints:
        imports.names("typing", "Any").names("torch", "Tensor", "nn")
        if which:
            imports.names("collections", "Counter")
        else:
            imports.module("pytest")
        parts.append(fill(f"tests/model_checkpointing{which}.py", holes))
    if plan.model.compiles:
        imports.own("module", plan.task.module)
        parts.append(fill(f"tests/model_compiled{which}.py", holes))
    if not parts:
        return {}
    tests = Source("\n\n".join(parts).rstrip("\n"))
    text = fill("tests/test_model.py", {"imports": imports.source(), "tests": tests})
    return {"tests/test_model.py": text}
