"""A project is checked whatever its user renamed, moved or threw out; what is missing is said."""

from __future__ import annotations

from pathlib import Path

from support.checks import Check, Edit, copy_golden, failed, package_of, report_of, told_by

from lightgen.check.proof import Proof, Report


def start_of(report: Report) -> Proof:
    return report.proofs[0]


def replace_everywhere(root: Path, old: str, new: str) -> None:
    for path in root.rglob("*.py"):
        path.write_text(path.read_text().replace(old, new))


def checked(root: Path, folder: Path) -> Report:
    return report_of(told_by(root, folder))


def test_renamed_classes_and_functions(tmp_path: Path) -> None:
    root = copy_golden("custom-two-groups", tmp_path)
    replace_everywhere(root, "Classifier", "Digits")
    replace_everywhere(root, "DataModule(", "Rows(")
    replace_everywhere(root, "import DataModule", "import Rows")
    replace_everywhere(root, "LightningRows", "LightningDataModule")
    replace_everywhere(root, "parse_arguments", "command_line")
    replace_everywhere(root, "build_optimizer", "make_optimizer")
    report = checked(root, tmp_path)
    assert failed(report) == {}
    assert start_of(report).what == "python -m digits_run.train trains Digits with Rows"


def test_a_renamed_training_module(tmp_path: Path) -> None:
    root = copy_golden("custom-two-groups", tmp_path)
    (package_of(root) / "train.py").rename(package_of(root) / "fit_digits.py")
    report = checked(root, tmp_path)
    assert failed(report) == {}
    assert start_of(report).what.startswith("python -m digits_run.fit_digits trains Classifier")
    assert start_of(report).detail == (
        "there is no module digits_run.train; digits_run.fit_digits is taken",
    )


def test_a_renamed_package_beside_the_spec(tmp_path: Path) -> None:
    root = copy_golden("custom-two-groups", tmp_path)
    replace_everywhere(root, "digits_run", "numerals")
    package_of(root).rename(root / "numerals")
    (root / "src").rmdir()
    report = checked(root, tmp_path)
    assert failed(report) == {}
    assert "there is no package 'digits_run'; 'numerals' is taken" in start_of(report).detail


def test_without_a_training_module_the_parts_are_put_together(tmp_path: Path) -> None:
    root = copy_golden("custom-two-groups", tmp_path)
    (package_of(root) / "train.py").unlink()
    report = checked(root, tmp_path)
    start = start_of(report)
    assert list(failed(report)) == ["start"]
    assert start.what.endswith("no module of digits_run calls Trainer.fit")
    assert start.detail == (
        "there is no module digits_run.train",
        "the other proofs are of the training trains Classifier with DataModule, put together by "
        "type",
    )


def test_parts_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    twin = "class Twin(pl.LightningModule):\n    pass\n\n\nclass Classifier("
    root = copy_golden("custom-two-groups", tmp_path, Edit("module.py", "class Classifier(", twin))
    (package_of(root) / "train.py").unlink()
    report = checked(root, tmp_path)
    assert len(failed(report)) == 5
    assert "several LightningModules (Classifier, Twin)" in start_of(report).detail[-1]


def test_a_training_that_refuses_its_own_groups_still_has_them_checked(check: Check) -> None:
    extra = Edit(
        "model.py",
        "        self.head =",
        "        self.extra = nn.Linear(2, 2)\n        self.head =",
    )
    report = check("custom-two-groups", extra)
    assert start_of(report).what == (
        "python -m digits_run.train does not start: it exits with 2: python -m digits_run.train: "
        "error: extra.weight trains but is in no group"
    )
    coverage = report.proofs[1]
    assert coverage.what == "ValueError: extra.weight trains but is in no group"
    assert coverage.detail[0].startswith("at src/digits_run/optim.py:")


def test_a_training_without_a_main_guard_is_not_run(check: Check) -> None:
    bare = Edit("train.py", 'if __name__ == "__main__":\n    main()', "main([])")
    assert failed(check("custom-two-groups", bare)) == {}


def test_a_training_that_catches_everything(check: Check) -> None:
    caught = Edit(
        "train.py",
        "    trainer.fit(task, data, ckpt_path=ckpt_path)",
        "    try:\n        trainer.fit(task, data)\n    except BaseException:\n        pass",
    )
    assert failed(check("custom-two-groups", caught)) == {}


def test_relative_paths_are_read_in_the_project_and_written_elsewhere(check: Check) -> None:
    reading = Edit(
        "data.py",
        "        digits = load_digits()",
        '        assert open("lightgen.toml").read()\n'
        '        open("trace.txt", "w").write("x")\n'
        "        digits = load_digits()",
    )
    assert failed(check("custom-two-groups", reading)) == {}


def test_another_order_of_batches_after_a_resume_is_said(check: Check) -> None:
    random = Edit("data.py", "manual_seed(self.epoch)", "manual_seed(torch.seed() % 1000)")
    report = check("custom-two-groups", random)
    assert failed(report) == {}
    assert report.proofs[-1].detail == (
        "the training data come in another order after a resume than without a stop",
    )


def test_dropout_does_not_tell_a_resumed_run_apart(check: Check) -> None:
    dropout = Edit("model.py", "nn.ReLU(),", "nn.ReLU(), nn.Dropout(0.5),")
    assert failed(check("custom-two-groups", dropout)) == {}


def test_an_unused_parameter_is_told_but_nothing_fails(check: Check) -> None:
    unused = Edit(
        "model.py",
        "        self.head =",
        "        self.scale = nn.Parameter(torch.ones(1))\n        self.head =",
    )
    imported = Edit("model.py", "from torch import", "import torch\nfrom torch import")
    report = check("defaults", unused, imported)
    assert failed(report) == {}
    assert report.proofs[3].detail == ("no gradient from this batch: model.scale",)


def test_the_groups_and_the_curve_are_told(check: Check) -> None:
    report = check("frozen-cnn-warmup")
    assert [(group.name, group.lr, group.weight_decay) for group in report.groups] == [
        ("body", 1e-3, 0.01),
        ("body/no_decay", 1e-3, 0.0),
        ("head", 3e-3, 0.01),
        ("head/no_decay", 3e-3, 0.0),
    ]
    assert (
        report.proofs[1].detail[0].startswith("frozen: 4 tensors (18,816 parameters): model.stem")
    )
    curve = report.curve
    assert curve is not None
    assert (curve.steps, curve.length) == (460, "the run's 460 steps in 20 epochs")
    assert curve.schedules == ("SequentialLR: moves every step, 460 times",)
    head = curve.rates[2]
    assert (head.first, head.peak, head.peak_step) == (3e-6, 3e-3, 41)
    assert 0 < head.last < 1e-6
    assert (head.points[0], head.points[-1]) == (head.first, head.last)


def test_a_plateau_is_said_to_depend_on_its_metric(check: Check) -> None:
    curve = check("regression-plateau-tensorboard").curve
    assert curve is not None
    assert curve.schedules == (
        "ReduceLROnPlateau: follows val/r2, so it is drawn as if that always improved",
    )
