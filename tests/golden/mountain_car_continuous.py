"""Golden values for MountainCarContinuous: one step of Gymnasium's MountainCarContinuous-v0 from 100,000 random states
(drawn as in draws.py).

    python tests/golden/mountain_car_continuous.py   writes tests/golden/mountain_car_continuous.safetensors
"""
import gymnasium
import numpy as np
import torch
from common import save
from draws import between, blocks

COUNT = 100_000
words = blocks(15, COUNT)
position, velocity = between(words[:, 0], -1.2, 0.6), between(words[:, 1], -0.07, 0.07)
force = between(words[:, 2], -1.5, 1.5)  # beyond the bounds: clipped, but not in the reward
env = gymnasium.make("MountainCarContinuous-v0").unwrapped
env.reset(seed=0)
state = np.zeros((COUNT, 2), np.float32)
reward = np.zeros(COUNT, np.float32)
terminated = np.zeros(COUNT, np.uint8)
for i in range(COUNT):
    env.state = np.array([position[i], velocity[i]], np.float32)  # as Gymnasium keeps it after a step
    state[i], reward[i], ended, _, _ = env.step(np.array([force[i]], np.float32))
    near = abs(state[i, 0] - 0.45) < 1e-6 or state[i, 0] > 0.45 and abs(state[i, 1]) < 1e-6
    terminated[i] = 2 if near else ended
print("states within rounding of the goal:", (terminated == 2).sum())
save("mountain_car_continuous", {
    "state": torch.from_numpy(state), "reward": torch.from_numpy(reward),
    "terminated": torch.from_numpy(terminated),  # 2: not known
})
