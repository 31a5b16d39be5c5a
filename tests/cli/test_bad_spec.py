"""A spec that cannot be: every problem is told with its place and what to do."""

from __future__ import annotations

import pytest
from support.command import Lightgen

RANGE0 = "it takes [0, inf)"


def refused_spec(lightgen: Lightgen, text: str | bytes) -> list[str]:
    lightgen.write("spec.toml", text)
    return lightgen.refused("new", "run", "--spec", "spec.toml")


UNREADABLE = {
    "task = \n": "spec.toml:1:8: this is not TOML: Unexpected character: '\\n'; mend that line",
    "[trainer\n": "spec.toml:1:9: this is not TOML: Unexpected character: '\\n'; mend that line",
    "seed = 1\nseed = 2\n": 'spec.toml:2:9: this is not TOML: Key "seed" already exists; '
    "mend that line",
    "[data]\n\n[data]\n": 'spec.toml:3:6: this is not TOML: Key "data" already exists; '
    "mend that line",
    "\n\ntask = 'a\n": "spec.toml:3: this is not TOML: "
    "Control characters (codes less than 0x1f and 0x7f) are not allowed in strings, "
    "use \\u000a instead; mend that line",
    "seed = 1e\n": "spec.toml:1:9: this is not TOML: Invalid number; mend that line",
    "seed = " + "9" * 5000: "spec.toml: this is not TOML: Invalid number; mend that line",
    b"task = '\xe9'\n": "spec.toml: byte 8 is not UTF-8; save the file as UTF-8 text",
    b"\xff\xfet\x00": "spec.toml: byte 0 is not UTF-8; save the file as UTF-8 text",
}


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: repr(text[:12]))
def test_an_unreadable_spec_is_told_with_line_and_column(
    lightgen: Lightgen, text: str | bytes
) -> None:
    told = refused_spec(lightgen, text)
    assert told == [UNREADABLE[text]]


@pytest.mark.parametrize("text", ["seed = " + "[" * 5000, "a." * 3000 + "b = 1"])
def test_a_spec_that_is_nested_too_deeply_is_told(lightgen: Lightgen, text: str) -> None:
    assert "this is not TOML" in refused_spec(lightgen, text)[0]


def test_a_missing_spec_file_is_told(lightgen: Lightgen) -> None:
    assert lightgen.refused("new", "run", "--spec", "none.toml") == [
        "none.toml: there is no such file; give the path of a spec file"
    ]


def test_a_folder_is_no_spec_file(lightgen: Lightgen) -> None:
    (lightgen.folder / "specs").mkdir()
    assert lightgen.refused("new", "run", "--spec", "specs") == [
        "specs: this is a folder; give the path of a spec file"
    ]


def test_a_spec_file_below_a_file_is_told(lightgen: Lightgen) -> None:
    lightgen.write("file", "")
    assert lightgen.refused("new", "run", "--spec", "file/spec.toml") == [
        "file/spec.toml: cannot be read (Not a directory); check the permissions"
    ]


TOP = (
    "known: averaging, data, groups, launchers, model, optimizer, optimizers, project, scheduler, "
    "seed, task, template, trainer"
)
TYPES = "write a value of that kind"
# Shapes: unknown keys and values of the wrong type.
SHAPES = {
    "tsk = 'x'": "tsk: unknown key 'tsk'; did you mean 'task'?",
    "xyz = 'x'": f"xyz: unknown key 'xyz'; {TOP}",
    "'a\\nb' = 1": f"a\\\\nb: unknown key 'a\\\\nb'; {TOP}",
    "[optimiser]\nname = 'sgd'": "optimiser: unknown key 'optimiser'; did you mean 'optimizer'?",
    "[project]\npackge = 'x'": "project.packge: unknown key 'packge'; did you mean 'package'?",
    "[data]\nbatchsize = 1": "data.batchsize: unknown key 'batchsize'; did you mean 'batch_size'?",
    "[model]\nwidht = 1": "model.widht: unknown key 'widht'; did you mean 'width'?",
    "[template]\nsource = 'x'\nrev = 'y'": "template.rev: unknown key 'rev'; did you mean 'ref'?",
    "task = 3": "task: 3 is wrong: a text is needed; what is learned",
    "seed = 'x'": "seed: 'x' is wrong: a whole number is needed; seed of everything random",
    "seed = 1.5": "seed: 1.5 is wrong: a whole number is needed; seed of everything random",
    "seed = true": "seed: True is wrong: a whole number is needed; seed of everything random",
    "seed = -1": "seed: -1 is wrong: it must be at least 0; seed of everything random",
    "seed = 4294967296": "seed: 4294967296 is wrong: it must be at most 4294967295; "
    "seed of everything random",
    "seed = 9223372036854775808": "seed: the number has more than 64 bits; write a smaller one",
    f"[optimizer]\nlr = 1{'0' * 400}": "optimizer.lr: the number has more than 64 bits; "
    "write a smaller one",
    "optimizer = 'sgd'": "optimizer: 'sgd' is wrong: a table is needed; "
    "such a value belongs to optimizer.name",
    "data = 'digits'": "data: 'digits' is wrong: a table is needed; "
    "such a value belongs to data.name",
    "scheduler = 'wsd'": "scheduler: 'wsd' is wrong: a table is needed; "
    "such a value belongs to scheduler.name",
    "groups = 1": f"groups: 1 is wrong: a table is needed; {TYPES}",
    "[groups]\nhead = 1": "groups.head: 1 is wrong: a table is needed; "
    "such a value belongs to groups.head.lr",
    "[groups.int]\nlr = true": "groups.int.lr: True is wrong: a number or a text is needed; "
    "rate, or x0.1: a factor of the optimizer's own",
    "[groups.head]\nfreeze = 3": "groups.head.freeze: 3 is wrong: true or false or a text is "
    "needed; true leaves these parameters as they are, until_epoch:N before epoch N",
    "[groups.head]\nmatch = 1": "groups.head.match: 1 is wrong: a text or a list is needed; "
    "module paths, globs or re:...; left out: the submodule of that name",
    "[groups.head]\nmatch = ['a', 1]": "groups.head.match.1: 1 is wrong: "
    f"a text is needed; {TYPES}",
    "[model]\nbias = 1": "model.bias: 1 is wrong: true or false is needed; "
    "bias vectors; left out: unless Muon trains it",
    "[model]\nwidth = 0": "model.width: 0 is wrong: it must be at least 1; "
    "units of a hidden layer; left out: the model's own",
    "[data]\nbatch_size = 0": "data.batch_size: 0 is wrong: it must be at least 1; "
    "samples of a batch; left out: 64, or all for full-batch methods",
    "[project]\npackage = 1": "project.package: 1 is wrong: a text is needed; "
    "import name of the generated package",
    "[project]\nlightning = 'pl'": "project.lightning: 'pl' is wrong: "
    "it must be 'pytorch_lightning' or 'lightning'; import root of Lightning",
    "[scheduler]\ngamma = 1": "scheduler.name: is missing; add it",
    "[scheduler]\nname = 'SequentialLR'\nschedulers = [1]": "scheduler.schedulers.0: "
    f"1 is wrong: a table is needed; {TYPES}",
    "[template]\nref = 'main'": "template.source: is missing; add it",
    "[optimizer]\nname = 'custom'\nhyperparameters = 1": "optimizer.hyperparameters: "
    "1 is wrong: a table is needed; further hyperparameters of the custom class",
    "[optimizer]\nname = 'custom'\nhyperparameters.trust = 'x'": "optimizer.hyperparameters.trust: "
    f"'x' is wrong: a table, a number, true or false or a list is needed; {TYPES}",
    "[optimizer]\nname = 'custom'\nhyperparameters.trust = {min = 0}": "optimizer.hyperparameters."
    "trust.default: is missing; add it",
}  # fmt: skip


@pytest.mark.parametrize("text", SHAPES)
def test_a_wrong_shape_is_told(lightgen: Lightgen, text: str) -> None:
    assert refused_spec(lightgen, text) == [SHAPES[text].replace("\\\\", "\\")]


OPTIMIZERS = (
    "known: ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, LBFGS, Muon, NAdam, RAdam, "
    "RMSprop, Rprop, SGD, SparseAdam, composite, custom"
)
MODES = "remove mode: it follows the metric"
# KEY=VALUE of --set, several joined by a space, and the message.
VALUES = {
    "task=x": "task: unknown task 'x'; "
    "known: classification, gan, language-model, regression, transfer",
    "task=regresion": "task: unknown task 'regresion'; did you mean 'regression'?",
    "data.name=digit": "data.name: unknown data 'digit'; did you mean 'digits'?",
    "model.name=transfomer": "model.name: unknown model 'transfomer'; did you mean 'transformer'?",
    "optimizer.name=adamv": "optimizer.name: unknown optimizer 'adamv'; did you mean 'Adam'?",
    "optimizer.name=x": f"optimizer.name: unknown optimizer 'x'; {OPTIMIZERS}",
    "scheduler.name=cosin": "scheduler.name: unknown scheduler 'cosin'; did you mean 'cosine'?",
    "optimizer.lr=fast": f"optimizer.lr: 'fast' is not a number; {RANGE0}",
    "optimizer.lr=-1e-3": f"optimizer.lr: -0.001 is less than 0; {RANGE0}",
    "optimizer.lr=nan": f"optimizer.lr: nan is not a finite number; {RANGE0}",
    "optimizer.lr=inf": f"optimizer.lr: inf is not a finite number; {RANGE0}",
    "optimizer.lr=x0.1": f"optimizer.lr: 'x0.1' is not a number; {RANGE0}",
    "optimizer.lr=True": f"optimizer.lr: 'True' is not a number; {RANGE0}",
    "optimizer.betas=0.9": "optimizer.betas: [0.9] has 1 entries, not 2; it takes [0, 1)",
    "optimizer.betas=0.9,1": "optimizer.betas: 1 is not less than 1; it takes [0, 1)",
    "optimizer.betas=0.9,nan": "optimizer.betas: nan is not a finite number; it takes [0, 1)",
    "optimizer.betas=a,b": "optimizer.betas: 'a' is not a number; it takes [0, 1)",
    "optimizer.momentum=0.9": "optimizer.momentum: AdamW has no argument 'momentum'; "
    "known: amsgrad, betas, capturable, differentiable, eps, foreach, fused, lr, maximize, "
    "weight_decay",
    "optimizer.wieght_decay=0": "optimizer.wieght_decay: AdamW has no argument 'wieght_decay'; "
    "did you mean 'weight_decay'?",
    "optimizer.amsgrad=perhaps": "optimizer.amsgrad: 'perhaps' is not true or false; "
    "it takes true, false",
    "optimizer.class_name=Mine": "optimizer.class_name: belongs to a custom optimizer; "
    "name = 'custom'",
    "optimizer.fused=true optimizer.foreach=true": "optimizer.fused: "
    "fused and foreach exclude each other; keep one of them",
    "optimizer.differentiable=true": "optimizer.differentiable: "
    "a training loop cannot step in place under autograd; "
    "remove it; differentiable is for meta-learning code of your own",
    "optimizer.capturable=true": "optimizer.capturable: a capturable step runs on a GPU only; "
    "set trainer.accelerator = 'gpu', or remove it",
    "optimizer.name=sgd optimizer.nesterov=true optimizer.momentum=0": "optimizer.nesterov: "
    "Nesterov momentum needs momentum above 0 and dampening 0; "
    "set optimizer.momentum, remove optimizer.dampening",
    "optimizer.name=rprop optimizer.etas=1.1,1.2": "optimizer.etas: "
    "[1.1, 1.2] do not stand around 1; [0.5, 1.2]",
    "optimizer.name=rprop optimizer.step_sizes=1,0.1": "optimizer.step_sizes: "
    "1 is not below 0.1; swap them",
    "optimizer.name=lbfgs optimizer.line_search_fn=weak": "optimizer.line_search_fn: "
    "'weak' is not one of 'strong_wolfe'; it takes strong_wolfe",
    "optimizer.name=custom optimizer.class_name=class": "optimizer.class_name: "
    "'class' is no class name; write one like MyAdam",
    "optimizer.name=custom optimizer.class_name=My-Adam": "optimizer.class_name: "
    "'My-Adam' is no class name; write one like MyAdam",
    "optimizer.name=custom optimizer.class_name=_Mine": "optimizer.class_name: "
    "'_Mine' is no class name; write one like MyAdam",
    "optimizer.name=custom optimizer.class_name=\"\"": "optimizer.class_name: "
    "'' is no class name; write one like MyAdam",
    "optimizer.name=custom optimizer.class_name=Tensor": "optimizer.class_name: "
    "'Tensor' stands in the generated code already; choose another",
    "optimizer.name=custom optimizer.hyperparameters.step=1": "optimizer.hyperparameters.step: "
    "'step' is reserved; choose another name or range",
    "optimizer.name=custom optimizer.hyperparameters.def=1": "optimizer.hyperparameters.def: "
    "'def' is not an identifier of 30 characters; choose another name or range",
    "optimizer.name=custom optimizer.hyperparameters.q={default=2,max=1}": "optimizer."
    "hyperparameters.q: q: 2.0 is out of range; choose another name or range",
    "optimizer.skeleton=every-k": "optimizer.skeleton: belongs to a custom optimizer; "
    "name = 'custom'",
    "optimizer.name=custom optimizer.skeleton=two-closur": "optimizer.skeleton: "
    "unknown skeleton 'two-closur'; did you mean 'two-closure'?",
    "optimizer.name=custom optimizer.skeleton=lion": "optimizer.skeleton: "
    "unknown skeleton 'lion'; known: every-k, two-closure",
    "optimizer.name=custom optimizer.skeleton=two-closure optimizer.rho=0": "optimizer.rho: "
    "0 is not more than 0; it takes (0, inf)",
    "optimizer.name=custom optimizer.skeleton=two-closure optimizer.betas=0.9,0.99":
    "optimizer.betas: two-closure has no argument 'betas'; "
    "known: lr, maximize, momentum, rho, weight_decay",
    "optimizer.name=custom optimizer.skeleton=two-closure optimizer.hyperparameters.rho=1":
    "optimizer.hyperparameters.rho: the two-closure skeleton has it already; set optimizer.rho",
    "optimizer.name=custom optimizer.skeleton=two-closure trainer.accumulate_grad_batches=2":
    "trainer.accumulate_grad_batches: two-closure calls its closure several times a step: over "
    "accumulated batches gradients would pile up, and the later calls see the last batch only; "
    "raise data.batch_size instead",
    "optimizer.name=custom optimizer.skeleton=two-closure trainer.precision=16-mixed":
    "trainer.precision: the gradient scaler of 16-mixed passes no closure, which two-closure "
    "needs; use bf16-mixed or 32-true",
    "optimizer.name=custom optimizer.skeleton=two-closure trainer.strategy=fsdp":
    "trainer.strategy: fsdp splits parameters and gradients over the devices, and two-closure "
    "needs them whole; use ddp",
    "optimizer.name=custom optimizer.skeleton=every-k optimizer.precondition_every_steps=2.5":
    "optimizer.precondition_every_steps: 2.5 is not a whole number; it takes [1, inf)",
    "optimizer.name=custom optimizer.skeleton=every-k trainer.strategy=deepspeed_stage_2":
    "trainer.strategy: deepspeed_stage_2 splits parameters and gradients over the devices, and "
    "every-k needs them whole; use ddp",
    "optimizer.name=custom optimizer.skeleton=every-k model.name=embedding-bag": "model.name: "
    "every-k does not support the sparse gradients of an embedding-bag; "
    "choose SparseAdam, SGD or Adagrad, or another model",
    "scheduler.name=steplr scheduler.step_size=0": "scheduler.step_size: 0 is less than 1; "
    "it takes [1, inf)",
    "scheduler.name=steplr scheduler.step_size=1.5": "scheduler.step_size: "
    "1.5 is not a whole number; it takes [1, inf)",
    "scheduler.name=steplr scheduler.gama=1": "scheduler.gama: StepLR has no argument 'gama'; "
    "did you mean 'gamma'?",
    "scheduler.name=multisteplr scheduler.milestones=6,3": "scheduler.milestones: "
    "[6, 3] does not rise; sort it",
    "scheduler.name=lambdalr scheduler.lr_lambda=f": "scheduler.lr_lambda: "
    "a spec cannot hold a function; remove it; write the function in the generated optim.py",
    "scheduler.name=cosine scheduler.interval=batch": "scheduler.interval: "
    "'batch' is not one of 'step', 'epoch'; it takes step, epoch",
    "scheduler.name=cosine scheduler.frequency=2": "scheduler.frequency: "
    "with interval 'step' Lightning counts batches and starts anew each epoch; "
    "leave frequency at 1 and stretch the schedule's own lengths",
    "scheduler.name=cosine scheduler.monitor=val/loss": "scheduler.monitor: "
    "cosine reads no metric; remove monitor",
    "scheduler.name=reducelronplateau scheduler.monitor=val/los": "scheduler.monitor: "
    "no metric 'val/los' is logged; did you mean 'val/loss'?",
    "scheduler.name=reducelronplateau scheduler.mode=max": "scheduler.mode: "
    f"'max' would cut the rates while val/loss improves; {MODES}",
    "scheduler.name=reducelronplateau scheduler.mode=min scheduler.monitor=val/accuracy":
    f"scheduler.mode: 'min' would cut the rates while val/accuracy improves; {MODES}",
    "scheduler.name=reducelronplateau scheduler.interval=step": "scheduler.interval: "
    "val/loss is known once an epoch, not at every step; "
    "remove interval, or monitor train/loss",
    "scheduler.name=reducelronplateau scheduler.frequency=3 trainer.check_val_every_n_epoch=2":
    "scheduler.frequency: 3 epochs do not fall on validation, every 2 epochs; remove frequency",
    "scheduler.name=reducelronplateau scheduler.warmup_steps=9": "scheduler.warmup_steps: "
    "ReduceLROnPlateau cannot be preceded by a warmup; remove it, or use cosine, linear or wsd",
    "scheduler.name=onecyclelr scheduler.warmup_steps=9": "scheduler.warmup_steps: "
    "OneCycleLR rises by itself; remove warmup_steps",
    "scheduler.name=steplr scheduler.warmup_steps=9": "scheduler.warmup_steps: "
    "StepLR moves by epochs, a warmup by steps; "
    "set scheduler.interval = 'step' with lengths in steps, or use cosine",
    "scheduler.name=onecyclelr scheduler.epochs=9": "scheduler: "
    "epochs and steps_per_epoch go together and without total_steps; "
    "leave all three out: the run's length is computed when it starts",
    "scheduler.name=cosineannealinglr scheduler.eta_min=0.01": "scheduler.eta_min: "
    "the floor 0.01 is not below the rate of group 'all' (0.001) and would lift it; "
    "lower it, or use cosine with min_factor, a fraction",
    "scheduler.name=cyclicl": "scheduler.name: unknown scheduler 'cyclicl'; "
    "did you mean 'CyclicLR'?",
    "optimizer.name=adagrad scheduler.name=cycliclr scheduler.cycle_momentum=true":
    "scheduler.cycle_momentum: Adagrad has neither momentum nor betas; set it to false",
    "task=regression data.name=digits": "data.name: digits is data for classification or gan, "
    "the task is regression; choose diabetes, or set task = 'classification'",
    "task=regression model.name=cnn": "model.name: cnn needs images, diabetes has none; try mlp",
    "model.name=transformer model.width=6": "model.width: 6 is no multiple of 4 heads; try 64",
    "model.name=cnn model.bias=false": "model.bias: only an mlp can do without, not a cnn; "
    "remove it",
    "optimizer.name=muon model.name=cnn": "model.name: "
    "Muon trains parameters with two dimensions only; a cnn has others; "
    "leave model.name out (an mlp without biases), or choose another optimizer",
    "optimizer.name=muon model.bias=true": "model.bias: "
    "Muon trains parameters with two dimensions only, biases have one; remove model.bias",
    "optimizer.name=sparseadam model.name=transformer": "model.name: "
    "SparseAdam needs sparse gradients; a transformer has dense ones; "
    "leave model.name out (an embedding bag), or choose another optimizer",
    "optimizer.name=adam model.name=embedding-bag": "model.name: "
    "Adam does not support the sparse gradients of an embedding-bag; "
    "choose SparseAdam, SGD or Adagrad, or another model",
    "optimizer.name=sgd model.name=embedding-bag model.width=8": "model.width: "
    "an embedding-bag has no width; remove it",
    "optimizer.name=sgd model.name=embedding-bag optimizer.weight_decay=1": "optimizer."
    "weight_decay: weight decay does not go with sparse gradients; "
    "set it to 0, or choose another model",
    "optimizer.name=sparseadam trainer.gradient_clip_val=1": "trainer.gradient_clip_val: "
    "sparse gradients cannot be clipped; remove it, or choose another model",
    "optimizer.name=lbfgs trainer.accumulate_grad_batches=2": "trainer.accumulate_grad_batches: "
    "LBFGS calls its closure several times a step: over accumulated batches gradients would "
    "pile up, and the later calls see the last batch only; raise data.batch_size instead",
    "optimizer.name=lbfgs trainer.precision=16-mixed": "trainer.precision: "
    "the gradient scaler of 16-mixed passes no closure, which LBFGS needs; "
    "use bf16-mixed or 32-true",
    "optimizer.fused=true trainer.precision=16-mixed trainer.gradient_clip_val=1":
    "optimizer.fused: a fused step under 16-mixed unscales the gradients itself, after the "
    "clipping; remove fused, or gradient_clip_val, or the mixed precision",
    "trainer.max_epoch=3": "trainer.max_epoch: lightning.Trainer has no argument 'max_epoch'; "
    "did you mean 'max_epochs'?",
    "trainer.max_epochs=0": "trainer.max_epochs: 0 trains nothing; -1 means without a limit",
    "trainer.max_steps=0": "trainer.max_steps: 0 trains nothing; -1 means without a limit",
    "trainer.max_epochs=-2": "trainer.max_epochs: -2 is less than -1; it takes [-1, inf)",
    "trainer.fast_dev_run=true": "trainer.fast_dev_run: "
    "it would make every run a trial; pass --fast-dev-run to train.py; remove it",
    "trainer.callbacks=x": "trainer.callbacks: "
    "a spec cannot hold objects; add the callback in train.py; remove it",
    "trainer.gradient_clip_val=0": "trainer.gradient_clip_val: 0 is not more than 0; "
    "it takes (0, inf)",
    "trainer.gradient_clip_algorithm=norm": "trainer.gradient_clip_algorithm: "
    "it does nothing without gradient_clip_val; set trainer.gradient_clip_val",
    "trainer.limit_val_batches=0": "trainer.limit_val_batches: "
    "the best checkpoint and the result need validation; leave at least one batch",
    "trainer.enable_checkpointing=false": "trainer.enable_checkpointing: "
    "the project keeps its best and last checkpoint; "
    "remove it, and take ModelCheckpoint out of train.py by hand",
    "trainer.logger=wandb": "trainer.logger: 'wandb' is not one of 'csv', 'tensorboard'; "
    "it takes csv, tensorboard",
    "seed": "--set: cannot read 'seed'; write KEY=VALUE, KEY a dotted path",
    "=1": "--set: cannot read '=1'; write KEY=VALUE, KEY a dotted path",
    'a"];b=1': "--set: cannot read 'a\"];b=1'; write KEY=VALUE, KEY a dotted path",
    "template.variables.a=1": "template.source: is missing; add it",
}  # fmt: skip


@pytest.mark.parametrize("assignments", VALUES)
def test_a_wrong_value_is_told(lightgen: Lightgen, assignments: str) -> None:
    words = [word for text in assignments.split() for word in ("--set", text)]
    assert lightgen.refused("new", "run", *words) == [VALUES[assignments]]


TWO_GROUPS = "--groups=a:1e-3,b:1e-4"


def test_one_peak_for_several_groups_is_refused(lightgen: Lightgen) -> None:
    words = ("--scheduler", "onecyclelr", "--set", "scheduler.max_lr=0.1", TWO_GROUPS)
    assert lightgen.refused("new", "run", *words) == [
        "scheduler.max_lr: one rate for every group would erase the groups' own rates; "
        "remove max_lr: each group's rate is its peak"
    ]


def test_a_floor_above_the_rate_of_one_group_is_refused(lightgen: Lightgen) -> None:
    words = ("--scheduler", "cosineannealinglr", "--set", "scheduler.eta_min=5e-4", TWO_GROUPS)
    assert lightgen.refused("new", "run", *words) == [
        "scheduler.eta_min: the floor 0.0005 is not below the rate of group 'b' (0.0001) and "
        "would lift it; lower it, or use cosine with min_factor, a fraction"
    ]


PARTS = {
    "ReduceLROnPlateau": "it reads a metric, which the others cannot pass on",
    "OneCycleLR": "it sets the rates itself, over those of the other parts",
    "CyclicLR": "it sets the rates itself, over those of the other parts",
    "cosine": "it cannot be a part",
    "SequentialLR": "it cannot be a part",
    "LambdaLR": "it cannot be a part",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("whole", ["SequentialLR", "ChainedScheduler"])
def test_some_schedulers_are_no_part_of_others(lightgen: Lightgen, whole: str, part: str) -> None:
    text = (
        f"[scheduler]\nname = '{whole}'\n"
        + ("milestones = [5]\n" if whole == "SequentialLR" else "")
        + f"schedulers = [{{name = 'LinearLR'}}, {{name = '{part}'}}]\n"
    )
    told = refused_spec(lightgen, text)
    assert told[0] == (
        f"scheduler.schedulers.1.name: {part} inside {whole}: {PARTS[part]}; "
        "use it alone, or choose another part"
    )


def test_a_surrogate_is_no_text(lightgen: Lightgen) -> None:
    """It comes from a command line that is not UTF-8."""
    assert lightgen.refused("new", "run", "--set", "trainer.strategy=\udcff") == [
        "trainer.strategy: the text is not UTF-8; write it in UTF-8"
    ]
    assert lightgen.refused("new", "run", "--set", "'\udcff'.a=1") == [
        "the key '\\udcff' is not UTF-8; rename it"
    ]


def test_all_problems_of_a_spec_are_told_at_once(lightgen: Lightgen) -> None:
    text = """
    task = "classfication"
    seed = "x"
    [project]
    package = "torch"
    [optimizer]
    lr = -1
    momentun = 0.9
    [groups.forward]
    lr = "fast"
    [groups.head]
    lr = true
    [scheduler]
    name = "StepLR"
    step_size = 0
    [trainer]
    max_epoch = 3
    [data]
    batch_sise = 1
    """
    lightgen.write("spec.toml", text)
    told = lightgen.refused("new", "run", "--spec", "spec.toml", "--set", "nothing")
    assert [message.partition(":")[0] for message in told] == [
        "--set",
        "seed",
        "data.batch_sise",
        "groups.head.lr",
        "project.package",
        "task",
        "optimizer.lr",
        "optimizer.momentun",
        "groups.forward",
        "groups.forward.lr",
        "scheduler.step_size",
        "trainer.max_epoch",
    ]


def test_what_depends_on_a_wrong_choice_is_not_told(lightgen: Lightgen) -> None:
    text = "[optimizer]\nname = 3\nmomentum = 0.9\n[scheduler]\nname = 'x'\n"
    assert refused_spec(lightgen, text) == [
        "optimizer.name: 3 is wrong: a text is needed; "
        "class of torch.optim in any case, composite or custom"
    ]


def test_a_problem_is_told_once(lightgen: Lightgen) -> None:
    assert len(lightgen.refused("new", "run", "--set", "nothing", "--set", "nothing")) == 1
