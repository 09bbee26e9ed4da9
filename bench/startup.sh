#!/bin/sh
# How long `rlrun list` takes, and the resident size of the dqn run: the best of 20, and the whole run.
best=$(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    start=$(date +%s%N); ./rlrun list >/dev/null; end=$(date +%s%N); echo $(((end - start) / 1000)); done | sort -n | head -1)
echo "start-up: rlrun list in $best us, the starting of a process included"
