"""What the transfer is worth: python -m digits_transfer.transfer --help."""

import argparse
import logging
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from digits_transfer.module import Classifier
from digits_transfer.optim import parameter_groups
from digits_transfer.pretraining import pretrain
from digits_transfer.train import parse_arguments, train

METRIC = "val/accuracy"


def compare(seeds: int) -> Iterator[tuple[float, float]]:
    """The metric with pretrained weights and from scratch, for each seed.

    Both train on the same samples for as many steps. From scratch there is nothing to
    be slow with: all groups have one rate, and of those in the code the best counts.
    """
    groups = parameter_groups(Classifier().model, {})
    owners = [group["name"].partition("/")[0] for group in groups]
    rates = sorted({group["lr"] for group in groups})
    for seed in range(seeds):
        weights = Path(f"pretrained-{seed}.pt")
        pretrain(weights, seed)
        from_scratch = [
            result(seed, None, dict.fromkeys(owners, rate)) for rate in rates
        ]
        yield result(seed, weights), max(from_scratch)


def result(
    seed: int, weights: Path | None, rates: dict[str, float] | None = None
) -> float:
    """The metric at the end of a run."""
    arguments = parse_arguments([f"--seed={seed}"])
    arguments.weights = weights
    arguments.lr = list((rates or {}).items())
    with redirect_stdout(StringIO()):
        trainer = train(arguments)
    return float(trainer.callback_metrics[METRIC])


def main(argv: Sequence[str] | None = None) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m digits_transfer.transfer")
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="runs of each"
    )
    seeds = parser.parse_args(argv).seeds
    logging.disable(logging.INFO)
    found = []
    with TemporaryDirectory() as folder, chdir(folder):
        for seed, (transferred, from_scratch) in enumerate(compare(seeds)):
            found.append((transferred, from_scratch))
            print(f"seed {seed}: {transferred:.3f}, from scratch {from_scratch:.3f}")
    transferred, from_scratch = map(mean, zip(*found, strict=True))
    print(f"{METRIC} {transferred:.3f} with transfer, {from_scratch:.3f} from scratch")


if __name__ == "__main__":
    main()
