"""Mistakes in a rule's class are caught by the tests that ship with it.

The first ten are those that torch's own optimizer tests were tried with: they miss betas that are
exchanged everywhere, a state that is updated too early, and a sparse check that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.compiled import write_out
from support.projects import in_project, run_pytest

RULES = Path(__file__).parents[2] / "golden" / "rules"
SIGN = """        update = exp_avg.lerp(grad, 1 - beta1).sign_()
        param.add_(update, alpha=-lr)
        exp_avg.lerp_(grad, 1 - beta2)
"""
SIGN_TOO_LATE = """        exp_avg.lerp_(grad, 1 - beta2)
        update = exp_avg.lerp(grad, 1 - beta1).sign_()
        param.add_(update, alpha=-lr)
"""
MOMENT_TOO_LATE = """        param.addcdiv_(exp_avg, denom, value=-step_size)
        exp_avg.lerp_(grad, 1 - beta1)
"""
SPARSE = """            if p.grad.is_sparse:
                raise RuntimeError(
                    f"{type(self).__name__} does not support sparse gradients"
                )
"""
NEGATED = "            grads = [-grad for grad in grads]\n"
CHOICE = "        update = _foreach_update if foreach else _single_tensor_update\n"
DEFAULTS = """            for option, value in self.defaults.items():
                group.setdefault(option, value)
"""


@dataclass(frozen=True)
class Mutant:
    mistake: str
    rule: str
    right: str
    wrong: str
    only_in: str = ""  # the function that it stands in; everywhere if empty

    def apply(self, text: str) -> str:
        head, name, tail = (
            text.rpartition(f"def {self.only_in}(") if self.only_in else ("", "", text)
        )
        assert self.right in tail
        changed = tail.replace(self.right, self.wrong, 1 if self.only_in else -1)
        return head + name + changed


MUTANTS = [
    mutant
    for rule in ("lion", "adamw")
    for mutant in (
        Mutant(
            "betas exchanged over lists only",
            rule,
            "beta1, beta2 = betas",
            "beta2, beta1 = betas",
            "_foreach_update",
        ),
        Mutant(
            "maximize ignored over lists",
            rule,
            CHOICE,
            f"{CHOICE}        if foreach and group['maximize']:\n{NEGATED}",
        ),
        Mutant("maximize ignored", rule, NEGATED, "            pass\n"),
        Mutant("no defaults for old checkpoints", rule, DEFAULTS, ""),
        Mutant("no gradients in the closure", rule, "torch.enable_grad()", "torch.no_grad()"),
        Mutant("decay that lr does not scale", rule, "1 - lr * weight_decay", "1 - weight_decay"),
        Mutant(
            "the gradient is written to",
            rule,
            "for p, value in zip(params, values, strict=True):\n",
            "for p, value in zip(params, values, strict=True):\n            p.grad.mul_(2)\n",
        ),
        Mutant("lr is not checked", rule, "if not 0.0 <= lr:", "if False:"),
        Mutant("sparse gradients are taken", rule, SPARSE, ""),
        Mutant(
            "no float32 for half precision",
            rule,
            "torch.promote_types(p.dtype, torch.float32)",
            "p.dtype",
        ),
        Mutant("NaN passes", rule, "if not 0.0 <= weight_decay:", "if weight_decay < 0.0:"),
        Mutant("state of loaded checkpoints is rounded", rule, "if dtype == p.dtype:", "if True:"),
        Mutant(
            "no autograd under differentiable",
            rule,
            "@_use_grad_for_differentiable",
            "@torch.no_grad()",
        ),
    )
] + [
    Mutant("state updated before the update", "lion", SIGN, SIGN_TOO_LATE, "_single_tensor_update"),
    Mutant(
        "state updated after the update",
        "adamw",
        "        param.addcdiv_(exp_avg, denom, value=-step_size)\n",
        MOMENT_TOO_LATE,
        "_single_tensor_update",
    ),
    Mutant("number kept in the parameter's dtype", "nadam", "if key in NUMBERS:", "if False:"),
    Mutant("shared numbers stay in one group", "prodigy", 'group["d"] = numbers["d"]', "pass"),
    Mutant(
        "steps in eval mode",
        "schedulefree_adamw",
        'if not all(group["train_mode"]',
        "if not all(True",
    ),
    Mutant(
        "complex as one number", "adamw", "torch.view_as_real(x) if torch.is_complex(x) else x", "x"
    ),
]
# Exchanged in the rule itself, all three forms follow: the rule is the oracle. In both of the
# forms that run, they are caught.
EXCHANGED = "\n    beta1, beta2 = betas", "\n    beta2, beta1 = betas"


def own_tests_fail(folder: Path, text: str) -> bool:
    """Whether the shipped tests notice that the class is now `text`."""
    (folder / "src").mkdir()
    (folder / "sample_optimizer.py").rename(folder / "src" / "sample_optimizer.py")
    (folder / "src" / "sample_optimizer.py").write_text(text)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    compile(text, "sample_optimizer.py", "exec")
    code = in_project(folder, lambda: run_pytest("-x", "test_sample.py"))
    assert code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    return code == pytest.ExitCode.TESTS_FAILED


def written(rule: str, folder: Path) -> str:
    write_out((RULES / f"{rule}.py").read_text(), folder, "sample")
    return (folder / "sample_optimizer.py").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.rule}: {mutant.mistake}")
def test_a_mistake_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    assert own_tests_fail(tmp_path, mutant.apply(written(mutant.rule, tmp_path)))


@pytest.mark.parametrize("rule", ["lion", "adamw"])
def test_betas_exchanged_in_both_updates_are_caught(rule: str, tmp_path: Path) -> None:
    head, oracle, tail = written(rule, tmp_path).partition("def _functional_update(")
    assert head.count(EXCHANGED[0]) == 2
    assert own_tests_fail(tmp_path, head.replace(*EXCHANGED) + oracle + tail)


@pytest.mark.parametrize("rule", ["lion", "adamw"])
def test_the_right_class_passes(rule: str, tmp_path: Path) -> None:
    assert not own_tests_fail(tmp_path, written(rule, tmp_path))
