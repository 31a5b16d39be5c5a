"""The update of Adamw in one pass over memory, by a compiled kernel.

On the CPU that is fused_update.cpp, which is built once with the machine's compiler and
kept in torch's folder of extensions; on CUDA it is fused_update_triton.py. What they
can't serve is left to the caller, and a warning says once why.
"""

import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import struct
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("fused_update.cpp")

# Infinities and NaN come out as in eager code: no -ffast-math, no contraction.
FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
)
OPENMP = "-fopenmp"

# By the dtype of a parameter and its gradient, that of the states and the computation.
STATE_DTYPES = {
    torch.float32: torch.float32,
    torch.float64: torch.float64,
    torch.bfloat16: torch.float32,
}


def fused_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    steps: list[float],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool = False,
    grad_scale: float = 1.0,
) -> bool:
    """Update in one pass over memory; False where that can't be.

    All tensors of a parameter are real and of its shape; states are float32 at least.
    Gradients are first divided by grad_scale.
    """
    tensors = [params, grads, exp_avgs, exp_avg_sqs]
    factor = (-1.0 if maximize else 1.0) / grad_scale
    known = {
        step: _numbers(
            factor, step, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay
        )
        for step in set(steps)
    }
    numbers = [known[step] for step in steps]
    return _run("update", tensors, numbers)


def _numbers(
    factor: float,
    step: float,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[float, ...]:
    """What the kernel needs to know, in its order, once for each tensor."""
    beta1, beta2 = betas
    c1 = 1 - lr * weight_decay
    c2 = 1 - beta1
    c3 = 1 - beta2
    step_size = lr / (1 - beta1**step)
    c4 = (1 - beta2**step) ** 0.5
    return (factor, c1, c2, beta2, c3, c4, eps, step_size)


def _run(
    update: str, tensors: Sequence[list[Tensor]], numbers: list[tuple[float, ...]]
) -> bool:
    """Run a kernel once for each device and dtype; or none, and a warning says why."""
    params = tensors[0]
    if not params:
        return False
    kinds = [(p.device, p.dtype) for p in params]
    distinct = set(kinds)
    missing = [text for device, _ in distinct if (text := _missing(device.type))]
    if obstacle := missing[0] if missing else _obstacle(tensors):
        _say_once(obstacle)
        return False
    for device, dtype in distinct:
        run = _run_on_cuda if device.type == "cuda" else _run_on_cpu
        if len(distinct) == 1:
            run(update, dtype, tensors, numbers)
            break
        indices = [i for i, kind in enumerate(kinds) if kind == (device, dtype)]
        of_kind = [[same_role[i] for i in indices] for same_role in tensors]
        run(update, dtype, of_kind, [numbers[i] for i in indices])
    # The kernels write behind the back of autograd, which may still need old values.
    torch.autograd.graph.increment_version(params)
    return True


def _run_on_cpu(
    update: str,
    dtype: torch.dtype,
    tensors: Sequence[list[Tensor]],
    numbers: list[tuple[float, ...]],
) -> None:
    library = _library()
    assert isinstance(library, ctypes.CDLL)
    # Most often all tensors have one row of numbers, which is written once.
    rows = numbers[:1] if len(set(map(id, numbers))) == 1 else numbers
    stride = len(rows[0]) if len(rows) > 1 else 0
    getattr(library, f"{update}_{str(dtype).removeprefix('torch.')}")(
        *map(ctypes.c_int64, (torch.get_num_threads(), len(tensors[0]), stride)),
        _packed("q", map(Tensor.numel, tensors[0])),
        _packed("q", map(Tensor.data_ptr, chain(*tensors))),
        _packed("d", chain.from_iterable(rows)),
    )


def _packed(kind: str, values: Iterable[float]) -> bytes:
    """As C sees them: q is int64_t, d a double."""
    listed = list(values)
    return struct.pack(f"{len(listed)}{kind}", *listed)


def _run_on_cuda(
    update: str,
    dtype: torch.dtype,
    tensors: Sequence[list[Tensor]],
    numbers: list[tuple[float, ...]],
) -> None:
    from fused_run.fused_update_triton import launch

    launch(update, dtype, STATE_DTYPES[dtype], tensors, numbers)


def _obstacle(tensors: Sequence[list[Tensor]]) -> str:
    """Why the kernels can't take these tensors, parameters first; empty if they can."""
    params, grads, *states = tensors
    every = list(chain(*tensors))
    if not set(map(type, every)) <= {Tensor, torch.nn.Parameter}:
        return "a tensor is of a class of its own"
    if not _repeats(list(map(Tensor.get_device, every)), len(params)):
        return "a gradient or a state is on another device than its parameter"
    if not _repeats(list(map(Tensor.numel, every)), len(params)):
        return "a gradient or a state has another shape than its parameter"
    dtypes = [p.dtype for p in params]
    if not set(dtypes) <= STATE_DTYPES.keys():
        return "a parameter is neither float32, float64 nor bfloat16"
    if [grad.dtype for grad in grads] != dtypes:
        return "a gradient has another dtype than its parameter"
    state_dtypes = [STATE_DTYPES[dtype] for dtype in dtypes]
    if any([state.dtype for state in same] != state_dtypes for same in states):
        return "a state is neither float32, nor float64 for a float64 parameter"
    if not all(map(Tensor.is_contiguous, every)) and not _same_layout(tensors):
        return "a tensor has gaps, or another memory layout than its parameter"
    return "a gradient is a negated view" if any(map(Tensor.is_neg, grads)) else ""


def _repeats(values: list[int], count: int) -> bool:
    """Whether the first `count` values come again and again."""
    return values == values[:count] * (len(values) // count)


def _same_layout(tensors: Sequence[list[Tensor]]) -> bool:
    """Whether the tensors of each parameter lie alike in memory, without gaps."""
    for same in zip(*tensors, strict=True):
        if all(map(Tensor.is_contiguous, same)):
            continue
        layouts = [
            [
                (stride, n)
                for stride, n in zip(t.stride(), t.shape, strict=True)
                if n > 1
            ]
            for t in same
        ]
        if any(layout != layouts[0] for layout in layouts):
            return False
        expected = 1
        for stride, n in sorted(layouts[0]):
            if stride != expected:
                return False
            expected *= n
    return True


def _missing(device_type: str) -> str:
    """What is missing to run on devices of that type; empty if nothing is."""
    if device_type == "cpu":
        library = _library()
        return library if isinstance(library, str) else ""
    if device_type == "cuda":
        return "" if _has_triton() else "Triton is not installed"
    return f"there is no kernel for {device_type}"


@functools.cache
def _say_once(obstacle: str) -> None:
    warnings.warn(
        f"fused=True has no effect: {obstacle}; foreach does the step",
        RuntimeWarning,
        stacklevel=2,
    )


@functools.cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


@functools.cache
def _library() -> ctypes.CDLL | str:
    """The kernel for the CPU, built if it is not in the cache; or why there is none."""
    compiler = _compiler()
    if not compiler:
        return "there is no C++ compiler (c++, g++, clang++, or what CXX says)"
    try:
        key = _key(compiler)
        found = _find(key)
        if found is None:
            _build(compiler, key)
            found = _find(key)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines() or [str(error)]
        said = next((line for line in lines if "error" in line), lines[0])
        return f"{compiler[0]} can't build {SOURCE.name}: {said}"
    except OSError as error:
        return f"{SOURCE.name} can't be built ({error}); TORCH_EXTENSIONS_DIR may help"
    return found or f"what was built from {SOURCE.name} can't be loaded"


def _compiler() -> list[str]:
    """The command that compiles C++; empty if there is none."""
    for command in (os.environ.get("CXX", ""), "c++", "g++", "clang++"):
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words
    return []


def _key(compiler: list[str]) -> str:
    """A name for what the build depends on: source, flags, compiler, processor."""
    version = subprocess.run(
        [*compiler, "--version"], capture_output=True, check=True
    ).stdout
    parts = (SOURCE.read_bytes(), " ".join([*FLAGS, OPENMP]).encode(), version)
    digest = hashlib.sha256()
    for part in (*parts, _processor()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def _processor() -> bytes:
    """What tells this processor's instructions: a home may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}".encode()
    of_one = dict.fromkeys(
        line
        for line in lines
        if line.startswith((b"model name", b"flags", b"Features"))
    )
    return b"\n".join([platform.machine().encode(), *of_one])


def _folder() -> Path:
    """Where torch keeps what is built for it."""
    chosen = os.environ.get("TORCH_EXTENSIONS_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(chosen or os.path.join(home, "torch_extensions"))


def _find(key: str) -> ctypes.CDLL | None:
    """What was built under that key, unless torn: its name tells its digest."""
    for path in sorted(_folder().glob(f"fused_update-{key}-*.so")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        if path.stem == f"fused_update-{key}-{digest}":
            try:
                return ctypes.CDLL(str(path))
            except OSError:
                continue
    return None


def _build(compiler: list[str], key: str) -> None:
    """Compile, and put the library into its place at once: others may build too."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="fused_update-") as scratch:
        built = Path(scratch) / "built.so"
        command = [*compiler, *FLAGS, str(SOURCE), "-o", str(built)]
        try:
            _call([*command, OPENMP])
        except subprocess.CalledProcessError:
            _call(command)  # on one thread, where OpenMP is missing
        digest = hashlib.sha256(built.read_bytes()).hexdigest()[:32]
        built.replace(folder / f"fused_update-{key}-{digest}.so")


def _call(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
