#!/bin/sh
# What a GPU makes of rlc, as Markdown tables: updates of DQN a second, with graphs and without, beside PyTorch's; frames a
# second of PPO with 4096 environments, and the seconds to a mean return of 475. Needs rlrun and a GPU; PyTorch's rows are
# left out, and said to be, where PYTHON has no torch.
#
#     bench/cuda.sh                            all of it, some minutes
#     DEVICE=cuda-host BATCHES=8 ROUND=1 FRAMES=2048 NUM_ENVS=32 bench/cuda.sh    what the script does, without a GPU
#
# An update's time is the difference between a run and one with five times the updates, so what both do cancels out.
set -e
cd "$(dirname "$0")/.."
device=${DEVICE:-cuda}
batches=${BATCHES:-128 1024 16384}
round=${ROUND:-100} # updates of a round, of which a run has a hundred; the longer run has five times as many
frames=${FRAMES:-20971520}
num_envs=${NUM_ENVS:-4096}
python=${PYTHON:-python3}
runs=${RUNS:-runs/bench-cuda}

number() { # file name: of a line of JSON
    sed -n "s/^[[:space:]]*\"$2\":[[:space:]]*\([-0-9.e+]*\),*\$/\1/p" "$1" | head -1
}

dqn() { # batch updates-of-a-round: "updates seconds"
    ./rlrun bench/dqn_updates.yaml --device "$device" --out "$runs/dqn" --overwrite --quiet buffer.batch_size="$1" \
        train.optim_steps_per_batch="$2"
    echo "$(number "$runs/dqn/summary.json" updates) $(number "$runs/dqn/summary.json" wall_s)"
}

row() { # name: a cell for each batch
    printf '| %s |' "$1"
    for batch in $batches; do
        short=$(dqn "$batch" "$round")
        long=$(dqn "$batch" $((5 * round)))
        echo "$short $long" | awk '{ if ($4 > $2) printf " %.0f |", ($3 - $1) / ($4 - $2); else printf " too few to tell |" }'
    done
    echo
}

description=$(./rlrun devices | sed -n "s/^${device%%:*} *//p")
echo "${description:-$device}, $(date -u +%Y-%m-%d)"
echo
echo "Updates of DQN a second, the network and the optimiser of recipes/dqn.yaml, by rows of a batch:"
echo
printf '| |'
for batch in $batches; do printf ' %s |' "$batch"; done
printf '\n|---|'
for batch in $batches; do printf -- '---|'; done
echo
row "rlc"
export RLC_CUDA_NO_GRAPHS=1
row "rlc without graphs"
unset RLC_CUDA_NO_GRAPHS
if "$python" -c 'import torch' 2>/dev/null; then
    # shellcheck disable=SC2086
    "$python" bench/cuda_peer.py --device "$([ "$device" = cuda-host ] && echo cpu || echo "$device")" $batches ||
        echo "| PyTorch failed $(for batch in $batches; do printf -- '| - '; done)|"
else
    echo "| PyTorch: $python has none; PYTHON= names another | $(for batch in $batches; do printf -- '- | '; done)"
fi

out=$runs/ppo
ppo() { # frames: "frames seconds"
    ./rlrun bench/ppo_cartpole_4096.yaml --device "$device" --out "$out" --overwrite --quiet collector.total_frames="$1" \
        env.num_envs="$num_envs" collector.frames_per_batch=$((32 * num_envs)) train.minibatch_size=$((16 * num_envs))
    echo "$(number "$out/summary.json" frames) $(number "$out/summary.json" wall_s)"
}
long=$(ppo $((3 * frames)))
short=$(ppo "$frames") # whose learning is looked at: its learning rate ends at 0
solved=$(number "$out/summary.json" solved_at_frames)
echo
echo "PPO on CartPole, $num_envs environments, bench/ppo_cartpole_4096.yaml; frames a second of what a run three times as long has more:"
echo
echo "| frames | seconds | frames/s | frames to 475 | seconds to 475 |"
echo "|---|---|---|---|---|"
echo "$short $long" | awk '{ printf "| %d | %.2f | %.0f |", $1, $2, ($3 - $1) / ($4 - $2) }'
printf ' %s | %s |\n' "${solved:--}" \
    "$([ -z "$solved" ] && echo - || awk -F, -v at="$solved" 'NR > 1 && $1 >= at { print $2; exit }' "$out/timing.csv")"
