#!/bin/sh
# The learning runs behind docs/results.md: every recipe with many seeds, as many at a time as there are cores, each judged at
# its end by 100 greedy episodes from fixed starts. Prints a table for each in Markdown. Runs are left in runs/results.
set -e

field() { # file name: the number, or the pair of numbers, that a line of JSON gives it
    sed -n "s/^[[:space:]]*\"$2\":[[:space:]]*\[*\([^],]*,*[^],]*\)\]*,*\$/\1/p" "$1" | sed 's/,$//' | head -1
}

recipe() { # recipe seeds
    name=$(basename "$1" .yaml)
    folder=runs/results/$name
    ./rlrun "$1" --seeds "1..$2" --out "$folder" --overwrite --quiet eval.episodes=100
    sed -n '/"eval.return_mean":/,/}/p' "$folder/aggregate.json" >"$folder/returns.txt"
    echo
    echo "### $name: $2 seeds, greedy returns over 100 fixed starts"
    echo
    echo "| seed | return | std over starts | solved at frame | wall time |"
    echo "|---|---|---|---|---|"
    for seed in $(seq 1 "$2"); do
        summary=$folder/seed-$seed/summary.json
        sed -n '/"eval":/,/}/p' "$summary" >"$folder/eval.txt"
        printf '| %s | %.1f | %.1f | %s | %.1f s |\n' "$seed" "$(field "$folder/eval.txt" return_mean)" \
            "$(field "$folder/eval.txt" return_std)" "$(field "$summary" solved_at_frames | sed 's/null/-/')" \
            "$(field "$summary" wall_s)"
    done
    echo
    echo "| seeds | mean | std | interquartile mean | its 95% interval | smallest | largest |"
    echo "|---|---|---|---|---|---|---|"
    interval=$(field "$folder/returns.txt" iqm_interval)
    printf '| %s | %.1f | %.1f | %.1f | %.1f to %.1f | %.1f | %.1f |\n' "$2" "$(field "$folder/returns.txt" mean)" \
        "$(field "$folder/returns.txt" std)" "$(field "$folder/returns.txt" iqm)" "${interval%,*}" "${interval#*, }" \
        "$(field "$folder/returns.txt" min)" "$(field "$folder/returns.txt" max)"
}

echo "$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(./rlrun devices | sed -n 's/^cpu *//p'), one thread a run."
# `make results` runs all; RECIPES="sac:5 ppo:10" some.
for what in ${RECIPES:-dqn:20 double_dqn:10 dueling_dqn:10 dqn_per:10 c51:10 qr_dqn:10 rainbow:10 discrete_sac:10 ppo:10 a2c:10 \
    reinforce:10 cem:10 sac:5 redq:5 td3:5 ddpg:5 ppo_pendulum:5 a2c_pendulum:5 dqn_acrobot:5 ppo_acrobot:5 dqn_mountain_car:5 \
    sac_mountain_car_continuous:5 td3_mountain_car_continuous:5 sac_gsde_mountain_car_continuous:5}; do
    recipe "recipes/${what%:*}.yaml" "${what#*:}"
done
