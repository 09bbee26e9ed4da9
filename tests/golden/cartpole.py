"""Golden values for CartPole: one step of Gymnasium's CartPole-v1 from 100,000 random states.

    python tests/golden/cartpole.py   writes tests/golden/cartpole.safetensors
"""
import gymnasium
import numpy as np
import torch
from common import save

COUNT = 100_000
rng = np.random.default_rng(7)
# wider than an episode ever reaches, so that both sides of every termination bound are met
scale = np.array([2.6, 3.0, 0.26, 3.0])
state = (rng.uniform(-1, 1, (COUNT, 4)) * scale).astype(np.float32)
action = rng.integers(0, 2, COUNT)
# no state may end within rounding of a bound: float32 and float64 would then disagree on `terminated`
env = gymnasium.make("CartPole-v1").unwrapped
env.reset(seed=0)
next_state = np.zeros_like(state)
reward = np.zeros(COUNT, np.float32)
terminated = np.zeros(COUNT, bool)
for i in range(COUNT):
    env.state = state[i].astype(np.float64)
    env.steps_beyond_terminated = None
    observation, reward[i], terminated[i], _, _ = env.step(int(action[i]))
    next_state[i] = observation
near = (np.abs(np.abs(next_state[:, 0]) - 2.4) < 1e-5) | (np.abs(np.abs(next_state[:, 2]) - 0.2094395) < 1e-5)
print("states within rounding of a bound:", near.sum())
terminated_known = ~near
save("cartpole", {
    "state": torch.from_numpy(state), "action": torch.from_numpy(action.astype(np.uint8)),
    "next_state": torch.from_numpy(next_state), "reward": torch.from_numpy(reward),
    "terminated": torch.from_numpy(terminated), "terminated_known": torch.from_numpy(terminated_known),
})
