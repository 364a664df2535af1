#!/usr/bin/env bash
# Minutes of a GPU turned into weights, from a bare checkout: gpu.sh SHARDS OUT SECONDS [further options of the trainer]
#
# Trains configuration s for SECONDS (or goes on with runs/gpu, if that is still there), on a schedule of MINUTES
# (default 11) of training in all, and leaves in OUT what has to be brought away: the averaged weights in bfloat16,
# in parts below 16 MiB, and the log. At home `codec train export OUT --checkpoint average -o FILE` makes a weights
# file of them, and `--init FILE` starts the next run. Tried in small on a CPU:
#     MINUTES=1 tests/bench/gpu.sh SHARDS /tmp/out 60 --device cpu --config xs --batch 4 --crop 64
set -euo pipefail
shards=$1 out=$2 seconds=$3
shift 3
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
"$python" -c "import codec.train" 2> /dev/null || "$python" -m pip install -q --no-deps --no-build-isolation -e .
hours=$("$python" -c "print(${MINUTES:-11} / 60)")
"$python" -m codec.train.s2lic --data "$shards"/*.tar --out runs/gpu --config s --hours "$hours" --stop-after "$seconds" \
    --batch 64 --crop 256 --lr 3e-3 --decay 0.4 --precision bf16 --save-every 120 --log-every 50 "$@"
mkdir -p "$out"
cp -r runs/gpu/average runs/gpu/log.jsonl "$out"
