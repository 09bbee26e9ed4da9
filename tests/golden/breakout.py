"""Golden values for Breakout: episodes of MinAtar 1.0.15 itself, without sticky actions.

    python tests/golden/breakout.py    writes tests/golden/breakout.safetensors; needs `pip install --no-deps minatar`

`planes` holds what each step led to, [steps, 50]: the 400 cells of state()[y, x, plane], eight to a byte, the first in
the highest bit. `right` says for each episode whether the ball started at the right.
"""
import numpy as np
import torch
from common import save
from minatar.environments.breakout import Env

STEPS, TO_THE_BALL = 1600, 0.975  # often enough to clear the wall, not so often that nothing is ever missed
rng = np.random.default_rng(3)
env = Env()
env.random = np.random.RandomState(4)
env.reset()
action, reward, terminal, planes, right = [], [], [], [], []
fresh, cleared = True, 0
for t in range(STEPS):
    if fresh:
        right.append(env.ball_x == 9)
    # where the ball will be, one step ahead
    to = min(max(env.ball_x + (1 if env.ball_dir in (1, 2) else -1), 0), 9)
    wanted = 0 if env.pos == to else 2 if env.pos < to else 1
    a = wanted if rng.random() < TO_THE_BALL else int(rng.integers(3))
    before = env.brick_map.sum()
    r, over = env.act({0: 0, 1: 1, 2: 3}[a])
    cleared += env.brick_map.sum() > before
    action.append(a), reward.append(r), terminal.append(over)
    planes.append(np.packbits(env.state().reshape(-1)))
    fresh = over
    if over:
        env.reset()
print(f"{sum(terminal)} episodes, {sum(reward)} bricks, {cleared} times all of them")
save("breakout", {
    "right": torch.tensor(right), "action": torch.tensor(action, dtype=torch.uint8),
    "reward": torch.tensor(reward, dtype=torch.uint8), "terminal": torch.tensor(terminal),
    "planes": torch.from_numpy(np.stack(planes)),
})
