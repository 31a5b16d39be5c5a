"""Run code in several processes that find each other as those of torchrun do."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any


def on_ranks(folder: Path, act: Callable[[], Any], ranks: int = 2, seconds: float = 240) -> Any:
    """Call `act` in forked children of a project's folder; return what each returned, by rank.

    Raises AssertionError with the output of the ranks if one fails, or takes too long.
    """
    import pytorch_lightning  # noqa: F401
    import torch.distributed.checkpoint
    import torch.distributed.fsdp
    import torch.distributed.tensor  # noqa: F401

    context = multiprocessing.get_context("fork")
    port, pipes, children = _free_port(), [], []
    for rank in range(ranks):
        receiver, sender = context.Pipe(duplex=False)
        log = folder / f"rank{rank}.log"
        child = context.Process(target=_rank, args=(folder, act, sender, log, rank, ranks, port))
        child.start()
        sender.close()
        pipes.append(receiver)
        children.append(child)
    found: dict[Any, tuple[bool, Any]] = {}
    while len(found) < ranks:
        # Where one has failed, the others wait for it in vain.
        patience = seconds if all(ok for ok, _ in found.values()) else 5
        arrived = wait([pipe for pipe in pipes if pipe not in found], patience)
        found |= {pipe: _received(pipe) for pipe in arrived}
        if not arrived:
            break
    results = [found.get(pipe, (False, "took too long")) for pipe in pipes]
    for child in children:
        child.join(5 if all(ok for ok, _ in results) else 0)
        if child.is_alive():
            child.kill()
        child.join()
    if not all(ok for ok, _ in results):
        logs = [path.read_text(errors="replace")[-3000:] for path in folder.glob("rank*.log")]
        raise AssertionError("\n".join([*(str(each) for ok, each in results if not ok), *logs]))
    return [each for _, each in results]


def _received(pipe: Any) -> tuple[bool, Any]:
    try:
        ok, result = pipe.recv()
        return ok, result
    except EOFError:
        return False, "died"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _rank(
    folder: Path,
    act: Callable[[], Any],
    sender: Any,
    log: Path,
    rank: int,
    ranks: int,
    port: int,
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(folder)
    sys.path.insert(0, str(folder / "src"))
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        GROUP_RANK="0",
        WORLD_SIZE=str(ranks),
        LOCAL_WORLD_SIZE=str(ranks),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        TORCHELASTIC_RUN_ID="tests",
    )
    try:
        sender.send((True, act()))
    except BaseException:
        sender.send((False, traceback.format_exc()))
    sender.close()
    sys.stdout.flush()
    os._exit(0)
