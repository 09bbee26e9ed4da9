"""Golden values for MountainCar: one step of Gymnasium's MountainCar-v0 from 100,000 random states (drawn as in draws.py).

    python tests/golden/mountain_car.py   writes tests/golden/mountain_car.safetensors
"""
import gymnasium
import numpy as np
import torch
from common import save
from draws import below, between, blocks

COUNT = 100_000
words = blocks(14, COUNT)
position, velocity = between(words[:, 0], -1.2, 0.6), between(words[:, 1], -0.07, 0.07)
action = below(words[:, 2], 3)
env = gymnasium.make("MountainCar-v0").unwrapped
env.reset(seed=0)
state = np.zeros((COUNT, 2), np.float32)
terminated = np.zeros(COUNT, np.uint8)
for i in range(COUNT):
    env.state = (float(position[i]), float(velocity[i]))
    state[i], reward, ended, _, _ = env.step(int(action[i]))
    assert reward == -1
    near = abs(env.state[0] - 0.5) < 1e-6 or env.state[0] > 0.5 and abs(env.state[1]) < 1e-6
    terminated[i] = 2 if near else ended
print("states within rounding of the goal:", (terminated == 2).sum())
save("mountain_car", {
    "state": torch.from_numpy(state),
    "terminated": torch.from_numpy(terminated),  # 2: not known
})
