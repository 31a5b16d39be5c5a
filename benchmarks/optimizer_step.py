"""The step of an optimizer made from its rule, beside torch's and the loop of a tutorial.

Each row is a multiple of the floor: the time that the reads and writes of one step take at the
bandwidth of `addcmul_` (three reads, a write), measured before every step, in turns, in the same
process. All contestants share parameters and gradients, and keep state of their own. Each rule and
case is a process; the kernel is built anew in each, and its first step tells how long that takes.
`--compile` adds torch.compile, minutes for many tensors; `--heavyball`, whose first step compiles
for minutes, and `--peers`, pytorch_optimizer, take part if they are installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import Parameter

from benchmarks.compare import parser
from lightgen.render.custom.fused import fused_files
from lightgen.render.custom.rule_optimizer import render_rule_optimizer
from lightgen.rules.reading.parse import read_rule

RULES = Path(__file__).parents[1] / "golden" / "rules"
CASES = {
    "4 tensors, 50M parameters": [12_500_000] * 4,
    "400 tensors, 5M parameters": [40_000] * 100 + [9_000] * 100 + [500] * 200,
}
# Of a fused step, for each parameter: what it reads and writes, in float32.
BYTES = {"adamw": 28, "lion": 20, "sgd": 20}
OPTIONS: dict[str, dict[str, Any]] = {
    "adamw": {"lr": 1e-5, "weight_decay": 0.01},
    "lion": {"lr": 1e-5, "weight_decay": 0.01},
    "sgd": {"lr": 1e-5, "momentum": 0.9},
}
TORCH = {"adamw": "AdamW", "sgd": "SGD"}
WAYS: dict[str, dict[str, Any]] = {
    "single": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
FLOOR_ENTRIES = 16_000_000


def main() -> None:
    options = parser(__doc__, rounds=20)
    options.add_argument("--rule", choices=BYTES, action="append", help="left out: all three")
    options.add_argument("--case", type=int, choices=(0, 1), action="append", help="4 or 400")
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    for name in ("compile", "heavyball", "peers"):
        options.add_argument(f"--{name}", action="store_true")
    options.add_argument("--child", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        race(arguments, arguments.child, list(CASES)[arguments.case[0]])
        return
    for case in arguments.case or range(len(CASES)):
        for rule in arguments.rule or BYTES:
            command = [sys.executable, "-m", "benchmarks.optimizer_step", "--child", rule]
            command += ["--case", str(case), "--device", arguments.device]
            command += ["--rounds", str(arguments.rounds), "--threads", str(arguments.threads)]
            flags = ("compile", "heavyball", "peers")
            command += [f"--{name}" for name in flags if getattr(arguments, name)]
            with tempfile.TemporaryDirectory() as cache:
                environment = {**os.environ, "TORCH_EXTENSIONS_DIR": cache}
                subprocess.run(command, check=True, env=environment)


@dataclass
class Contestant:
    """Someone who steps, and the seconds it took."""

    step: Callable[[], Any]
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)


def race(arguments: argparse.Namespace, rule: str, case: str) -> None:
    """Time all contestants of a rule in turns and print the table."""
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    torch.manual_seed(0)
    params = [Parameter(torch.rand(size, device=device)) for size in CASES[case]]
    for p in params:
        p.grad = torch.rand_like(p)
    contestants = {name: Contestant(step) for name, step in steps(rule, params, arguments)}
    floor = Contestant(floor_step(device))
    for contestant in (floor, *contestants.values()):
        contestant.first = timed(contestant.step, device)
        timed(contestant.step, device)
    for _ in range(arguments.rounds):
        for contestant in contestants.values():
            floor.seconds.append(timed(floor.step, device))
            contestant.seconds.append(timed(contestant.step, device))
    entries = sum(CASES[case])
    share = entries * BYTES[rule] / (FLOOR_ENTRIES * 16)
    print_table(f"{rule}, {case}, {device}", floor, share, contestants)


def floor_step(device: torch.device) -> Callable[[], Any]:
    x, y, z = (torch.rand(FLOOR_ENTRIES, device=device) for _ in range(3))
    return lambda: x.addcmul_(y, z, value=1e-9)


def timed(step: Callable[[], Any], device: torch.device) -> float:
    """Seconds of a step, to the end of what it started on the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def print_table(
    title: str, floor: Contestant, share: float, contestants: dict[str, Contestant]
) -> None:
    low, middle = min(floor.seconds) * share, median(floor.seconds) * share
    heading = f"{title}: floor {low * 1e3:.2f} ms at best, {middle * 1e3:.2f} in the middle"
    table = Table(title=heading, title_justify="left")
    table.add_column("", no_wrap=True)
    heads = ("minimum, ms", "median, ms", "x floor (minima)", "x floor (medians)", "first step, s")
    for head in heads:
        table.add_column(head, justify="right")
    for name, contestant in contestants.items():
        least, half = min(contestant.seconds), median(contestant.seconds)
        table.add_row(
            name,
            f"{least * 1e3:.2f}",
            f"{half * 1e3:.2f}",
            f"{least / low:.2f}",
            f"{half / middle:.2f}",
            f"{contestant.first:.2f}",
        )
    Console(soft_wrap=True).print(table)


def steps(
    rule: str, params: list[Parameter], arguments: argparse.Namespace
) -> Iterable[tuple[str, Callable[[], Any]]]:
    """Every contestant of a rule."""
    options = OPTIONS[rule]
    yield "tutorial loop", TUTORIALS[rule](params)
    ours = built_class(rule)
    for way, flags in WAYS.items():
        yield f"ours, {way}", ours(params, **options, **flags).step
    if rule in TORCH:
        theirs = getattr(torch.optim, TORCH[rule])
        for way, flags in WAYS.items():
            yield f"torch, {way}", theirs(params, **options, **flags).step
    if arguments.compile:
        yield "ours, torch.compile", torch.compile(ours(params, **options).step)
        if rule in TORCH:
            made = theirs(params, **{**options, "lr": torch.tensor(options["lr"])}, foreach=False)
            yield "torch, torch.compile", torch.compile(made.step)
    if arguments.heavyball and rule in TORCH:
        heavyball = importlib.import_module("heavyball")
        names = {"momentum": "beta"} if rule == "sgd" else {}
        renamed = {names.get(name, name): value for name, value in options.items()}
        made = getattr(heavyball, TORCH[rule])(params, **renamed, consume_grad=False)
        yield "HeavyBall", made.step
    if arguments.peers:
        package = importlib.import_module("pytorch_optimizer")
        name = {"adamw": "AdamW", "lion": "Lion", "sgd": "SGD"}[rule]
        if hasattr(package, name):
            yield "pytorch_optimizer", getattr(package, name)(params, **options).step


def built_class(rule: str) -> Any:
    """The class of a rule of golden/, with its kernels, written to a folder and imported."""
    parsed = read_rule((RULES / f"{rule}.py").read_text(encoding="utf-8"), f"{rule}.py")
    folder = Path(tempfile.mkdtemp(dir=os.environ["TORCH_EXTENSIONS_DIR"]))
    for name, text in fused_files(parsed, "Made").items():
        (folder / name).write_text(text, encoding="utf-8")
    text = render_rule_optimizer(parsed, "Made", "fused_update")
    (folder / "made_optimizer.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    return importlib.import_module("made_optimizer").Made


# What tutorials show: through .data, each operation a temporary of its own.


def tutorial_adamw(params: list[Parameter]) -> Callable[[], None]:
    firsts, seconds = zeros(params), zeros(params)
    lr, beta1, beta2, eps, decay, t = 1e-5, 0.9, 0.999, 1e-8, 0.01, 0

    def step() -> None:
        nonlocal t
        t += 1
        for p, m, v in zip(params, firsts, seconds, strict=True):
            grad = p.grad.data  # type: ignore[union-attr]
            p.data.mul_(1 - lr * decay)
            m.mul_(beta1).add_(grad, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            p.data.add_(m_hat / (v_hat.sqrt() + eps), alpha=-lr)

    return step


def tutorial_lion(params: list[Parameter]) -> Callable[[], None]:
    averages = zeros(params)
    lr, beta1, beta2, decay = 1e-5, 0.9, 0.99, 0.01

    def step() -> None:
        for p, m in zip(params, averages, strict=True):
            grad = p.grad.data  # type: ignore[union-attr]
            p.data.mul_(1 - lr * decay)
            update = m * beta1 + grad * (1 - beta1)
            p.data.add_(torch.sign(update), alpha=-lr)
            m.mul_(beta2).add_(grad, alpha=1 - beta2)

    return step


def tutorial_sgd(params: list[Parameter]) -> Callable[[], None]:
    buffers = zeros(params)

    def step() -> None:
        for p, m in zip(params, buffers, strict=True):
            m.mul_(0.9).add_(p.grad.data)  # type: ignore[union-attr]
            p.data.add_(m, alpha=-1e-5)

    return step


def zeros(params: list[Parameter]) -> list[Tensor]:
    return [torch.zeros_like(p.data) for p in params]


TUTORIALS = {"adamw": tutorial_adamw, "lion": tutorial_lion, "sgd": tutorial_sgd}


if __name__ == "__main__":
    main()
