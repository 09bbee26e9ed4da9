#!/bin/sh
# An update of DQN from pictures, rlc's and PyTorch's, with one thread each, in turn; and the ratio of the medians.
#
#     PYTHON=python3 bench/pixels.sh      a Python that has torch
set -e
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
make -s build/bench/pixels
for turn in 1 2 3 4 5; do
    build/bench/pixels
    "${PYTHON:-python3}" bench/pixels_peer.py
done | tee /dev/stderr | sed -n 's/^\([A-Za-z]*\).* update takes \([0-9.]*\) ms.*/\1 \2/p' | sort -k1,1 -k2,2n |
    awk '{ of[$1, ++count[$1]] = $2 } END {
        if (count["recipes"] != 5 || count["PyTorch"] != 5) { exit 1 } # who failed has said why
        ours = of["recipes", 3]; theirs = of["PyTorch", 3]
        printf "medians: rlc %.1f ms, PyTorch %.1f ms, %.2f times as long\n", ours, theirs, theirs / ours }'
