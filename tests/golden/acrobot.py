"""Golden values for Acrobot: one step of Gymnasium's Acrobot-v1 from 100,000 random states (drawn as in draws.py).

    python tests/golden/acrobot.py   writes tests/golden/acrobot.safetensors
"""
import gymnasium
import numpy as np
import torch
from common import save
from draws import below, between, blocks

COUNT = 100_000
words = blocks(12, COUNT)
extra = blocks(13, COUNT)
# Every eighth state has speeds up to the bounds, where a step is so sensitive that the last bit of the state moves its
# result; the others go up to half of them.
half = np.where(np.arange(COUNT) % 8 == 7, np.float32(1), np.float32(0.5))
state = np.stack([between(words[:, 0], -np.pi, np.pi), between(words[:, 1], -np.pi, np.pi),
                  half * between(words[:, 2], -4 * np.pi, 4 * np.pi),
                  half * between(words[:, 3], -9 * np.pi, 9 * np.pi)], 1)
action = below(extra[:, 0], 3)
env = gymnasium.make("Acrobot-v1").unwrapped
env.reset(seed=0)
following = np.zeros((COUNT, 4))
terminated = np.zeros(COUNT, np.uint8)
for i in range(COUNT):
    env.state = state[i].astype(np.float64)
    observation, reward, ended, _, _ = env.step(int(action[i]))
    following[i] = s = env.state
    assert reward == (0 if ended else -1)
    assert np.array_equal(observation, np.float32([np.cos(s[0]), np.sin(s[0]), np.cos(s[1]), np.sin(s[1]), s[2], s[3]]))
    height = -np.cos(s[0]) - np.cos(s[0] + s[1])
    terminated[i] = 2 if abs(height - 1) < 1e-4 else ended
print("states within rounding of the goal:", (terminated == 2).sum())
# One angle of each state, the first's and the second's in turns, keeps the file small; both make the flag.
angle = following[np.arange(COUNT), np.arange(COUNT) % 2]
save("acrobot", {
    "angle": torch.from_numpy(angle.astype(np.float32)),  # the observation shows its cosine and sine
    "spin": torch.from_numpy(following[:, 2:].astype(np.float32)),
    "terminated": torch.from_numpy(terminated),  # 2: not known
})
