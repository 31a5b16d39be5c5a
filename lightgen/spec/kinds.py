"""What kind of value a field of the spec takes, and which fields a class has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from lightgen.catalogue.arguments import Argument
from lightgen.catalogue.families import family_of
from lightgen.catalogue.groups import GROUP_SETTINGS
from lightgen.catalogue.optimizers import COMPOSITE
from lightgen.catalogue.others import find_optimizer
from lightgen.catalogue.path_schedulers import PATH_WIRING, any_scheduler
from lightgen.catalogue.schedulers import WIRING
from lightgen.catalogue.skeletons import find_skeleton
from lightgen.catalogue.trainer import trainer_arguments
from lightgen.spec.several import alone, split_home

# The arguments of the rule that the document names, None where it names none.
Arguments: TypeAlias = Mapping[str, Argument] | None
CUSTOM = "custom"
# The class of a group of a composite that names none.
MEMBER = "AdamW"
# What stays whatever class is chosen.
GROUP_KEYS = frozenset({"match", "freeze", "lr", "ndim", *GROUP_SETTINGS})
OF_NO_CLASS = frozenset({("optimizer", "layer_decay"), ("optimizer", "lr_finder")})
_RULE_KINDS = {
    "class_name": "text",
    "maximize": "flag",
    "foreach": "flag",
    "fused": "flag",
    "differentiable": "flag",
}
CUSTOM_KINDS = {
    **{name: kind for name, kind in _RULE_KINDS.items() if name != "fused"},
    "lr": "number",
    "betas": "numbers",
    "eps": "number",
    "weight_decay": "number",
}
_GROUP_KINDS = {
    "lr": "rate",
    "match": "texts",
    "freeze": "flag",
    "ndim": "integer",
    "optimizer": "text",
}
_KINDS = {
    ("seed",): "integer",
    ("data", "batch_size"): "integer",
    ("data", "image_size"): "integer",
    ("data", "channels"): "integer",
    ("model", "width"): "integer",
    ("model", "bias"): "flag",
    ("model", "compile"): "flag",
    ("model", "gradient_checkpointing"): "flag",
    ("optimizer", "lr_finder"): "flag",
    ("optimizer", "train_eval"): "flag",
    ("averaging", "decay"): "number",
    ("averaging", "lr_factor"): "number",
    ("averaging", "start_epoch"): "integer",
    ("scheduler", "schedulers"): "toml",
    ("project", "dependencies"): "list of texts",
    ("launchers", "slurm"): "toml",
    ("launchers", "slurm", "nodes"): "integer",
    ("launchers", "slurm", "gpus_per_node"): "integer",
    ("launchers", "slurm", "cpus_per_task"): "integer",
    ("launchers", "torchrun"): "toml",
    ("launchers", "torchrun", "nodes"): "integer",
    ("launchers", "torchrun", "processes_per_node"): "integer",
    ("launchers", "ray"): "toml",
    ("launchers", "ray", "workers"): "integer",
    ("launchers", "ray", "use_gpu"): "flag",
    ("launchers", "ray", "cpus_per_worker"): "integer",
    ("launchers", "ray", "resources"): "toml",
}
# Of one of several optimizers.
_NAMED_KINDS = {
    ("optimizer", "frequency"): "integer",
    ("optimizer", "accumulate_grad_batches"): "integer",
    ("optimizer", "gradient_clip_val"): "number",
    ("optimizer", "gradient_clip_algorithm"): "text",
}
NAMED_KEYS = frozenset(key for _, key in _NAMED_KINDS)


def kind_of(content: Mapping[str, Any], path: tuple[str, ...], rule: Arguments) -> str:
    """The kind of the value at a path of the spec."""
    home, path = split_home(path)
    if home and path in _NAMED_KINDS:
        return _NAMED_KINDS[path]
    content = alone(content, home)
    if path in _KINDS:
        return _KINDS[path]
    if path[0] in ("model", "data") and path[1:2] == ("args",):
        return "any"
    if path[:3] == ("launchers", "ray", "resources"):
        return "number"
    key = path[-1]
    if path[0] == "groups" and key in _GROUP_KINDS:
        return _GROUP_KINDS[key]
    if path in OF_NO_CLASS or (path[0] == "groups" and key in GROUP_SETTINGS):
        return GROUP_SETTINGS[key].kind
    if path[0] in ("optimizer", "groups"):
        name = str(name_in(content, "optimizer") or ("AdamW" if rule is None else CUSTOM))
        if declares(path):
            return "toml"
        if path[0] == "groups" and name.lower() == COMPOSITE.name:
            name = str(tables_in(content, "groups").get(path[1], {}).get("optimizer", MEMBER))
        optimizer = find_optimizer(name)
        if rule is not None and name.lower() == CUSTOM:
            return _RULE_KINDS.get(key) or _kind_in(rule, key)
        if name.lower() == CUSTOM:
            return _custom_kinds(content).get(key) or _declared_kind(content, key)
        if optimizer is not None and optimizer.path and key not in optimizer.arguments:
            return "any"
        return _kind_in(optimizer.arguments if optimizer else {}, key)
    if path[0] == "scheduler":
        return _scheduler_kind(str(name_in(content, "scheduler") or ""), key)
    if path[0] == "trainer":
        return _kind_in(trainer_arguments(), key)
    return "text"


def _scheduler_kind(name: str, key: str) -> str:
    """A text stands for the run's length in what is a number else."""
    scheduler = any_scheduler(name)
    if scheduler is None and "." in name:
        return PATH_WIRING[key].kind if key in PATH_WIRING else "any"
    return _kind_in({**WIRING, **(scheduler.arguments if scheduler else {})}, key)


def declares(path: tuple[str, ...]) -> bool:
    """Whether a path is of a hyperparameter that the spec declares."""
    return split_home(path)[1][:2] == ("optimizer", "hyperparameters")


def _custom_kinds(content: Mapping[str, Any]) -> Mapping[str, str]:
    """The kinds of what a custom optimizer takes that declares nothing."""
    skeleton = find_skeleton(content["optimizer"].get("skeleton"))
    if skeleton is None:
        return CUSTOM_KINDS
    own = {name: argument.kind for name, argument in skeleton.arguments.items()}
    return {"class_name": "text", "maximize": "flag", **own}


def _declared_kind(content: Mapping[str, Any], key: str) -> str:
    """The kind of a custom optimizer's own hyperparameter: that of its default."""
    declared = content["optimizer"].get("hyperparameters")
    value = declared.get(key) if isinstance(declared, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("default")
    if isinstance(value, bool):
        return "flag"
    return "numbers" if isinstance(value, list) else "number or text"


def name_in(content: Mapping[str, Any], table: str) -> Any:
    """What a table says of its class."""
    found = content.get(table)
    return found.get("name") if isinstance(found, Mapping) else None


def _kind_in(arguments: Mapping[str, Argument], key: str) -> str:
    argument = arguments.get(key)
    return "text" if argument is None else argument.kind


def class_keys(
    table: str, name: str, rule: Arguments, content: Mapping[str, Any]
) -> set[str] | None:
    """What the table of a class may say; None where the class is unknown."""
    if table == "optimizer":
        optimizer = find_optimizer(name)
        if name.lower() == COMPOSITE.name:
            return {"name"}
        if name.lower() == CUSTOM and rule is not None:
            return {"name", "rule", *_RULE_KINDS, *rule}
        if name.lower() == CUSTOM:
            declared = content["optimizer"].get("hyperparameters")
            own = declared if isinstance(declared, Mapping) else ()
            return {"name", "hyperparameters", "skeleton", *_custom_kinds(content), *own}
        if optimizer is None or optimizer.open:
            return None
        return {"name", *optimizer.arguments}
    scheduler = any_scheduler(name)
    wiring = PATH_WIRING if "." in name else WIRING
    return None if scheduler is None else {"name", *wiring, *scheduler.arguments}


def member_keys(group: Mapping[str, Any]) -> set[str] | None:
    """What a group of a composite may say; None where its class is unknown."""
    member = find_optimizer(str(group.get("optimizer", MEMBER)))
    return None if member is None else {"optimizer", *GROUP_KEYS, *member.arguments}


def keys_of_another(table: str, name: str) -> tuple[str, ...]:
    """What a newly chosen model or data cannot have from the one before."""
    own = {"model": ("width", "bias"), "data": ("image_size", "channels")}[table]
    others = {"model": ("args", "output"), "data": ("args",)}[table]
    if "." not in name:
        return others
    family = family_of(name)
    switch = () if family and family.checkpointing else ("gradient_checkpointing",)
    return (*own, *others, *(switch if table == "model" else ()))


def tables_in(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The subtables of a table; what is none is left for the check to refuse."""
    found = content.get(name)
    tables = found if isinstance(found, Mapping) else {}
    return {key: each for key, each in tables.items() if isinstance(each, Mapping)}
