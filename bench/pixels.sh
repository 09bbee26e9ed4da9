#!/bin/sh
# An update of DQN from pictures, rlc's and PyTorch's, with one thread each, one after the other.
#
#     PYTHON=python3 bench/pixels.sh      a Python that has torch
set -e
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
make -s build/bench/pixels
build/bench/pixels
"${PYTHON:-python3}" bench/pixels_peer.py
