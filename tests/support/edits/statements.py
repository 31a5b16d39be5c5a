"""Edits of what functions and classes do."""

from __future__ import annotations

import ast

from support.edits.registry import on_file
from support.edits.source import Code, swapped

# Imports.


@on_file("optim.py")
def import_added_on_top(text: str) -> str:
    code = Code(text)
    return code.before(code.statement("from collections.abc"), "import logging")


@on_file("optim.py")
def import_added_where_the_spec_adds_one(text: str) -> str:
    code = Code(text)
    return code.before(code.statement("from torch import nn"), "import torch.distributed as dist")


@on_file("module.py")
def import_added_at_the_end(text: str) -> str:
    code = Code(text)
    node = code.statement("from sample_run.recipe")
    return code.after(node, "from sample_run.plot import CurvePlot")


@on_file("module.py")
def name_added_to_an_import(text: str) -> str:
    return swapped(
        text, "from torch import Tensor, nn\n", "from torch import Tensor, nn, no_grad\n"
    )


@on_file("optim.py")
def names_added_to_an_import(text: str) -> str:
    old = "from collections.abc import Mapping, Sequence\n"
    return swapped(text, old, old.replace("import ", "import Callable, Iterable, "))


@on_file("module.py")
def import_split(text: str) -> str:
    lines = "from torch import Tensor\nfrom torch import nn\n"
    return swapped(text, "from torch import Tensor, nn\n", lines)


@on_file("train.py")
def imports_reordered(text: str) -> str:
    code = Code(text)
    imports = [each for each in code.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    start, end = code.lines_of(imports[0])[0], code.lines_of(imports[-1])[1]
    lines = sorted((code.of(each) + "\n" for each in imports), reverse=True)
    return code.splice(start, end, "".join(lines))


@on_file("train.py")
def import_no_longer_needed(text: str) -> str:
    text = text.replace("os.path.relpath(saved.best_model_path)", "saved.best_model_path")
    text = text.replace("os.path.relpath(saved.last_model_path)", "saved.last_model_path")
    return swapped(text, "import os\n", "")


@on_file("train.py")
def import_inside_a_function(text: str) -> str:
    code = Code(text)
    return code.before(code.definition("main").body[-1], "import sys\n\nprint(sys.version)")


@on_file("optim.py")
def import_for_types_only(text: str) -> str:
    code = Code(text)
    guarded = "if TYPE_CHECKING:\n    from sample_run.module import Batch"
    text = code.after(code.statement("from sample_run.model"), f"\n{guarded}")
    return swapped(text, "from typing import Any,", "from typing import TYPE_CHECKING, Any,")


@on_file("module.py")
def all_declared(text: str) -> str:
    code = Code(text)
    names = f'__all__ = ["Batch", "{code.definition("*").name}"]\n'
    return code.before(code.statement("Batch:"), names)


# Definitions.


@on_file("module.py")
def method_at_the_end(text: str) -> str:
    code = Code(text)
    method = "\ndef on_train_epoch_end(self) -> None:\n    self.print('epoch over')"
    return code.after(code.definition("*").body[-1], method)


@on_file("module.py")
def method_at_the_start(text: str) -> str:
    code = Code(text)
    method = "def setup(self, stage: str) -> None:\n    self.print('stage', stage)\n\n"
    return code.before(code.definition("*.__init__"), method)


@on_file("module.py")
def method_in_the_middle(text: str) -> str:
    code = Code(text)
    method = "\ndef on_train_batch_end(self, *_: Any) -> None:\n    self.recipe = self.recipe"
    return code.after(code.definition("*.configure_optimizers"), method)


@on_file("module.py")
def property_with_decorators(text: str) -> str:
    code = Code(text)
    method = "\n@property\ndef width(self) -> int:\n    return self.model.head.in_features"
    return code.after(code.definition("*.forward"), method)


@on_file("optim.py")
def function_at_the_end(text: str) -> str:
    return text + "\n\ndef rates_of(groups: Sequence[Any]) -> list[Any]:\n    return list(groups)\n"


@on_file("optim.py")
def function_in_the_middle(text: str) -> str:
    code = Code(text)
    function = "def is_bias(name: str) -> bool:\n    return name.endswith('.bias')\n\n\n"
    return code.before(code.definition("build_optimizer"), function)


@on_file("data.py")
def class_added(text: str) -> str:
    code = Code(text)
    added = "class Noise:\n    scale: float = 0.1\n\n    def __call__(self) -> float:\n"
    return code.before(code.definition("DataModule"), f"{added}        return self.scale\n\n\n")


@on_file("model.py")
def layer_added(text: str) -> str:
    code = Code(text)
    text = code.after(code.definition("Network.__init__").body[-1], "self.norm = nn.Identity()")
    code = Code(text)
    return code.before(code.statement("return", "Network.forward"), "outputs = self.norm(outputs)")


@on_file("optim.py")
def constant_added(text: str) -> str:
    code = Code(text)
    return code.after(code.statement("ParameterGroup:"), "SEEN: set[str] = set()")


@on_file("model.py")
def class_attribute_added(text: str) -> str:
    code = Code(text)
    return code.before(code.definition("Network.__init__"), "inputs = 64\n\n")


@on_file("module.py")
def nested_function_added(text: str) -> str:
    code = Code(text)
    inner = "def scaled(value: Tensor) -> Tensor:\n    return value * 2\n\nscaled(loss)"
    return code.before(code.statement("return loss", "*.training_step"), inner)


# Statements.


@on_file("module.py")
def statement_before_return(text: str) -> str:
    code = Code(text)
    node = code.statement("return loss", "*.training_step")
    return code.before(node, 'self.log("train/grad_scale", 1.0)')


@on_file("module.py")
def statements_in_the_middle(text: str) -> str:
    code = Code(text)
    node = code.statement("self.log('train/loss'", "*.training_step")
    return code.before(node, "# l2 penalty\nloss = loss + 1e-4 * sum(p.norm() for p in [loss])")


@on_file("module.py")
def statement_at_the_end_of_init(text: str) -> str:
    code = Code(text)
    last = code.definition("*.__init__").body[-1]
    return code.after(last, "self.example_input_array = None")


@on_file("train.py")
def statement_at_the_start_of_a_body(text: str) -> str:
    code = Code(text)
    node = code.statement("pl.seed_everything", "train")
    return code.before(node, "print(arguments)")


@on_file("train.py")
def statement_before_the_trainer(text: str) -> str:
    code = Code(text)
    return code.before(code.statement("trainer = pl.Trainer", "train"), "data.setup('fit')")


@on_file("optim.py")
def statement_after_the_groups(text: str) -> str:
    code = Code(text)
    node = code.statement("override_rates(", "parameter_groups")
    return code.before(node, "groups = [group for group in groups if group['params']]")


@on_file("module.py")
def statement_in_on_fit_start(text: str) -> str:
    code = Code(text)
    node = code.statement("self.print", "*.on_fit_start")
    return code.before(node, 'self.print("recipe", self.recipe)')


@on_file("module.py")
def statement_deleted(text: str) -> str:
    code = Code(text)
    return code.without(code.statement("self.log('train/loss'", "*.training_step"))


@on_file("train.py")
def module_statement_deleted(text: str) -> str:
    code = Code(text)
    return code.without(code.statement("warnings.filterwarnings('ignore', message='Check"))


@on_file("module.py")
def method_deleted(text: str) -> str:
    code = Code(text)
    return code.without(code.definition("*.on_save_checkpoint"))


@on_file("recipe.py")
def function_rewritten(text: str) -> str:
    code = Code(text)
    body = code.definition("check_recipe").body
    start, end = code.start(body[1]), code.end(body[-1])
    new = "if saved != current:\n        raise ValueError('another recipe: ' + repr(saved))"
    return code.splice(start, end, new)


@on_file("optim.py")
def loop_to_comprehension(text: str) -> str:
    code = Code(text)
    loop = code.statement("for row in rows", "describe_groups")
    new = 'lines = ["  ".join(f"{c:<{w}}" for c, w in zip(r, widths, strict=True)) for r in rows]'
    return code.replace(loop, new)


@on_file("train.py")
def branchesswapped(text: str) -> str:
    code = Code(text)
    node = code.statement("if value is None", "report")
    assert isinstance(node, ast.If)
    first, second = code.of(node.body[0]), code.of(node.orelse[0])
    new = f"if value is not None:\n        {second}\n    else:\n        {first}"
    return code.replace(node, new)


@on_file("train.py")
def elif_added(text: str) -> str:
    return swapped(
        text,
        "    else:\n        task = ",
        "    elif arguments.seed < 0:\n        raise SystemExit(2)\n    else:\n        task = ",
    )


# Blocks.


@on_file("module.py")
def wrapped_in_if(text: str) -> str:
    code = Code(text)
    node = code.statement("self.print", "*.on_fit_start")
    return code.wrapped(node, node, "if self.trainer.is_global_zero:")


@on_file("train.py")
def wrapped_in_try(text: str) -> str:
    code = Code(text)
    node = code.statement("trainer.fit", "train")
    tail = 'except KeyboardInterrupt:\n    print("stopped")'
    return code.wrapped(node, node, "try:", tail)


@on_file("train.py")
def wrapped_in_with(text: str) -> str:
    code = Code(text)
    body = code.definition("main").body
    return code.wrapped(body[1], body[-1], "with warnings.catch_warnings():")


@on_file("module.py")
def whole_body_wrapped(text: str) -> str:
    code = Code(text)
    body = code.definition("*.on_fit_start").body
    return code.wrapped(body[0], body[-1], "if self.recipe is not None:")


@on_file("optim.py")
def changed_statement_wrapped(text: str) -> str:
    code = Code(text)
    node = code.statement("return", "build_optimizer")
    return code.wrapped(node, node, "if rates is not None:")
