"""The update of Adamw for CUDA: one launch for any number of tensors."""

# What Triton compiles is not quite Python.
# mypy: disable-error-code="import-not-found, import-untyped, no-untyped-def"
# mypy: disable-error-code="no-untyped-call, untyped-decorator, misc, arg-type"

import functools
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024

TYPES = {
    torch.float32: tl.float32,
    torch.float64: tl.float64,
    torch.bfloat16: tl.bfloat16,
}


def launch(
    update: str,
    dtype: torch.dtype,
    state_dtype: torch.dtype,
    tensors: Sequence[list[Tensor]],
    numbers: Iterable[tuple[float, ...]],
) -> None:
    """Update tensors of one device and dtype: parameters, gradients, then states."""
    params = tensors[0]
    kernel, flags = KERNELS[update]
    rows = list(numbers)
    addresses = tuple(map(Tensor.data_ptr, chain(*tensors)))
    device = params[0].device
    tables = _tables(addresses, tuple(map(Tensor.numel, params)), device)
    kernel[(len(tables[2]),)](
        *tables,
        # They alone change from step to step; double, as Python has them.
        torch.tensor(rows, dtype=torch.float64).to(device, non_blocking=True),
        len(params),
        *(bool(rows[0][index]) for index in flags),
        PARAM=TYPES[dtype],
        STATE=TYPES[state_dtype],
        ALIGNED=not any(address % 16 for address in addresses),
        BLOCK=BLOCK,
        # Rounds each operation as eager code does.
        enable_fp_fusion=False,
    )


@functools.lru_cache(maxsize=16)
def _tables(
    addresses: tuple[int, ...], sizes: tuple[int, ...], device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Addresses, sizes, and of each block its tensor and first entry, on the device."""
    blocks = [range(0, size, BLOCK) for size in sizes]
    columns: tuple[Any, ...] = (
        addresses,
        sizes,
        [tensor for tensor, begins in enumerate(blocks) for _ in begins],
        list(chain(*blocks)),
    )
    addresses_table, sizes_table, block_tensors, block_begins = (
        torch.tensor(column, dtype=torch.int64, device=device) for column in columns
    )
    return addresses_table, sizes_table, block_tensors, block_begins


@triton.jit
def _entries(
    addresses, role, count, tensor, offsets, TYPE: tl.constexpr, ALIGNED: tl.constexpr
):
    # Where the entries of a block lie; addresses has a row of count for each role.
    address = tl.load(addresses + role * count + tensor)
    entries = address.to(tl.pointer_type(TYPE))
    if ALIGNED:
        entries = tl.multiple_of(entries, 16)
    return entries + offsets


@triton.jit
def _lerp(a, b, weight):
    # As torch does it: from the nearer end, so that a weight of 1 gives b.
    return tl.where(
        tl.abs(weight) < 0.5, a + weight * (b - a), b - (b - a) * (1 - weight)
    )


@triton.jit
def _sqrt(x):
    # tl.sqrt alone takes small float32 for 0.
    if x.dtype == tl.float32:
        return tl.sqrt_rn(x)
    else:
        return tl.sqrt(x)


@triton.jit(do_not_specialize=["count"])
def _update(
    addresses,
    sizes,
    block_tensors,
    block_begins,
    numbers,
    count,
    PARAM: tl.constexpr,
    STATE: tl.constexpr,
    ALIGNED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    block = tl.program_id(0)
    tensor = tl.load(block_tensors + block)
    begin = tl.multiple_of(tl.load(block_begins + block), BLOCK)
    offsets = begin + tl.arange(0, BLOCK)
    size = tl.load(sizes + tensor)
    row = numbers + tensor * 8
    # Without a mask, a thread moves several entries at once.
    if begin + BLOCK <= size:
        _update_block(
            addresses,
            row,
            count,
            tensor,
            offsets,
            None,
            PARAM,
            STATE,
            ALIGNED,
        )
    else:
        _update_block(
            addresses,
            row,
            count,
            tensor,
            offsets,
            offsets < size,
            PARAM,
            STATE,
            ALIGNED,
        )


@triton.jit
def _update_block(
    addresses,
    row,
    count,
    tensor,
    offsets,
    mask,
    PARAM: tl.constexpr,
    STATE: tl.constexpr,
    ALIGNED: tl.constexpr,
):
    grad_factor = tl.load(row).to(STATE)
    c1 = tl.load(row + 1).to(STATE)  # 1 - lr * weight_decay
    c2 = tl.load(row + 2).to(STATE)  # 1 - beta1
    beta2 = tl.load(row + 3).to(STATE)
    c3 = tl.load(row + 4).to(STATE)  # 1 - beta2
    c4 = tl.load(row + 5).to(STATE)  # (1 - beta2**step)**0.5
    eps = tl.load(row + 6).to(STATE)
    step_size = tl.load(row + 7).to(STATE)

    param_entries = _entries(addresses, 0, count, tensor, offsets, PARAM, ALIGNED)
    grad_entries = _entries(addresses, 1, count, tensor, offsets, PARAM, ALIGNED)
    exp_avg_entries = _entries(addresses, 2, count, tensor, offsets, STATE, ALIGNED)
    exp_avg_sq_entries = _entries(addresses, 3, count, tensor, offsets, STATE, ALIGNED)
    param = tl.load(param_entries, mask=mask).to(STATE)
    grad = tl.load(grad_entries, mask=mask).to(STATE) * grad_factor
    exp_avg = tl.load(exp_avg_entries, mask=mask).to(STATE)
    exp_avg_sq = tl.load(exp_avg_sq_entries, mask=mask).to(STATE)

    param *= c1
    exp_avg = _lerp(exp_avg, grad, c2)
    exp_avg_sq = beta2 * exp_avg_sq + c3 * grad * grad
    denom = _sqrt(exp_avg_sq) / c4 + eps
    param -= step_size * exp_avg / denom

    tl.store(param_entries, param, mask=mask)
    tl.store(exp_avg_entries, exp_avg, mask=mask)
    tl.store(exp_avg_sq_entries, exp_avg_sq, mask=mask)


# Each kernel, and which of its numbers are conditions, for which it is compiled anew.
KERNELS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "update": (_update, ()),
}
