#!/bin/bash
# Start several processes, in the project's folder, with its environment active:
#
#     launch/torchrun.sh [--max-epochs 30 ...]
#
# On several machines, which share that folder, the same on each:
#
#     NNODES=2 RDZV_ENDPOINT=machine:29500 RUN_NAME=first launch/torchrun.sh
#
# What follows goes to each process of cluster_run.train.

set -euo pipefail

nodes="${NNODES:-1}"
# gpu: as many as the machine has.
processes="${NPROC_PER_NODE:-gpu}"

if [[ $nodes == 1 ]]; then
    run="${RUN_NAME:-torchrun-$(date +%Y%m%d-%H%M%S)}"
    meeting=(--standalone)
else
    run="${RUN_NAME:?name the run, the same on each machine}"
    meeting=(
        --rdzv-backend=c10d
        --rdzv-endpoint="${RDZV_ENDPOINT:?name one of the machines, as machine:29500}"
        --rdzv-id="$run"
    )
fi

# When a process fails, torchrun ends the others and starts all of them again: under its
# name the training goes on from its last checkpoint.
# A store of its own for each start: in a shared one they would find the addresses of
# processes that are gone.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
exec torchrun \
    --nnodes="$nodes" \
    --nproc-per-node="$processes" \
    --max-restarts="${MAX_RESTARTS:-3}" \
    "${meeting[@]}" \
    -m cluster_run.train \
    --run-name "$run" \
    --devices "${processes/gpu/auto}" \
    --num-nodes "$nodes" \
    "$@"
