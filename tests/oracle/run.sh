#!/bin/sh
# What can only be checked with Python at hand: torch, safetensors, tensordict, gymnasium. `make oracle PYTHON=/path/to/venv/bin/python`
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
./rlrun recipes/dqn.yaml --quiet --out "$folder/run" collector.total_frames=30_000
"$1" tests/oracle/checkpoint.py "$folder/run" build/tests/oracle/outputs
PYTHONWARNINGS=ignore "$1" tests/oracle/dicts.py "$folder" build/tests/oracle/dicts
"$1" tests/oracle/steps.py build/tests/oracle/steps
PYTHONWARNINGS=ignore "$1" tests/oracle/state_dict.py "$folder" build/tests/oracle/state_dict
