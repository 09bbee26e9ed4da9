"""Golden values for Pendulum: one step of Gymnasium's Pendulum-v1 from 100,000 random states (drawn as in draws.py).

    python tests/golden/pendulum.py   writes tests/golden/pendulum.safetensors
"""
import gymnasium
import numpy as np
import torch
from common import save
from draws import between, blocks

COUNT = 100_000
words = blocks(11, COUNT)
# more than a turn to both sides, and torques beyond the bounds
angle, spin = between(words[:, 0], -10, 10), between(words[:, 1], -8, 8)
torque = between(words[:, 2], -3, 3)
env = gymnasium.make("Pendulum-v1").unwrapped
env.reset(seed=0)
following = np.zeros((COUNT, 2))
reward = np.zeros(COUNT)
for i in range(COUNT):
    env.state = np.array([angle[i], spin[i]], np.float64)
    observation, reward[i], terminated, truncated, _ = env.step(np.array([torque[i]], np.float64))
    following[i] = env.state
    assert not terminated and not truncated
    assert np.array_equal(observation, np.float32([np.cos(env.state[0]), np.sin(env.state[0]), env.state[1]]))
save("pendulum", {
    "angle": torch.from_numpy(following[:, 0].astype(np.float32)),  # the observation shows its cosine and sine
    "spin": torch.from_numpy(following[:, 1].astype(np.float32)),
    "reward": torch.from_numpy(reward.astype(np.float32)),
})
