#!/bin/sh
# The learning runs behind docs/results.md: every recipe with many seeds, two at a time, then a greedy evaluation over 100
# fixed starts. Prints a table for each in Markdown. Runs are left in runs/results.
set -e
statistics() { # of a column of numbers: n, mean, standard deviation, interquartile mean, smallest, largest
    sort -n | awk '{ x[NR] = $1; sum += $1; squares += $1 * $1 }
        END { mean = sum / NR; deviation = sqrt(squares / NR - mean * mean > 0 ? squares / NR - mean * mean : 0)
              # a quarter of the runs is cut off at each end, the ones on the border in part
              cut = NR / 4
              for (i = 1; i <= NR; i++) {
                  weight = 1
                  if (i <= cut || i > NR - cut) weight = 0
                  if (i > cut && i < cut + 1) weight = i - cut
                  if (NR - i + 1 > cut && NR - i + 1 < cut + 1) weight = NR - i + 1 - cut
                  total += weight * x[i]; weights += weight }
              printf "%d | %.1f | %.1f | %.1f | %.1f | %.1f", NR, mean, deviation, total / weights, x[1], x[NR] }'
}

train() { # recipe seed
    folder=runs/results/$(basename "$1" .yaml)/seed-$2
    ./rlrun "$1" --seed "$2" --out "$folder" --overwrite --quiet
    ./rlrun eval "$folder" --episodes 100 >"$folder/evaluation.txt"
}

recipe() { # recipe seeds
    name=$(basename "$1" .yaml)
    for seed in $(seq 1 2 "$2"); do
        train "$1" "$seed" &
        if [ "$seed" -lt "$2" ]; then train "$1" $((seed + 1)); fi
        wait
    done
    echo
    echo "### $name: $2 seeds, greedy returns over 100 fixed starts"
    echo
    echo "| seed | return | std over starts | solved at frame | wall time |"
    echo "|---|---|---|---|---|"
    for seed in $(seq 1 "$2"); do
        folder=runs/results/$name/seed-$seed
        solved=$(sed -n 's/.*"solved_at_frames":[[:space:]]*\([0-9]*\).*/\1/p' "$folder/summary.json")
        wall=$(sed -n 's/.*"wall_s":[[:space:]]*\([0-9.]*\).*/\1/p' "$folder/summary.json")
        awk -v seed="$seed" -v solved="${solved:--}" -v wall="$wall" \
            '{ printf "| %s | %.1f | %.1f | %s | %.1f s |\n", seed, $4, $6, solved, wall }' "$folder/evaluation.txt"
    done
    echo
    echo "| seeds | mean | std | interquartile mean | smallest | largest |"
    echo "|---|---|---|---|---|---|"
    echo "| $(for seed in $(seq 1 "$2"); do awk '{ print $4 }' "runs/results/$name/seed-$seed/evaluation.txt"; done |
        statistics) |"
}

echo "$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(./rlrun devices | sed -n 's/^cpu *//p'), one thread a run, two runs at a time."
# `make results` runs all; RECIPES="sac:5 ppo:10" some.
for what in ${RECIPES:-dqn:20 double_dqn:10 dueling_dqn:10 dqn_per:10 c51:10 qr_dqn:10 rainbow:10 ppo:10 a2c:10 sac:5 td3:5 ddpg:5 \
    ppo_pendulum:5 dqn_acrobot:5 ppo_acrobot:5 dqn_mountain_car:5 sac_mountain_car_continuous:5 sac_gsde_mountain_car_continuous:5}; do
    recipe "recipes/${what%:*}.yaml" "${what#*:}"
done
