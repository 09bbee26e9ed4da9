"""Golden values for rewards to go: TorchRL's Reward2GoTransform on batches, and the function behind it where no episode
ends, which the transform refuses.

    python tests/golden/reward_to_go.py      writes tests/golden/reward_to_go.safetensors
"""
import torch
from common import generator, save
from tensordict import TensorDict
from torchrl.envs.transforms import Reward2GoTransform
from torchrl.objectives.value.functional import reward2go

g = generator(71)
out = {}
CASES = [((), 9, "random", 0.9), ((1,), 9, "random", 0.99), ((), 1, "all", 0.9), ((3,), 1, "all", 0.9),
         ((3,), 1, "none", 0.9), ((4,), 8, "all", 0.9), ((4,), 8, "none", 0.9), ((4,), 8, "last", 0.9),
         ((4,), 8, "first", 0.9), ((4,), 8, "last", 1.0), ((4,), 8, "none", 1.0), ((2, 3), 7, "random", 0.95),
         ((2, 3), 7, "last", 0.95), ((5,), 30, "last", 0.99)]
CASES += [((n,), 5 + n, "random", gamma) for n in (2, 3, 5, 7) for gamma in (0.3, 0.8, 0.99, 1.0)]

for i, (batch, steps, kind, gamma) in enumerate(CASES):
    shape = (*batch, steps, 1)
    reward = torch.randn(shape, generator=g, dtype=torch.float64) * 2 + 0.5
    done = torch.rand(shape, generator=g) < {"random": 0.3, "all": 2.0}.get(kind, 0.0)
    if kind in ("last", "random"):
        done[..., -1, :] = True
    if kind == "first":
        done[..., 0, :] = True
    td = TensorDict({"next": {"reward": reward, "done": done}}, [*batch, steps])
    if kind == "none":
        to_go = reward2go(reward, done, gamma)
    else:
        transform = Reward2GoTransform(gamma=torch.tensor(gamma, dtype=torch.float64), out_keys=["reward_to_go"])
        to_go = transform.inv(td)["reward_to_go"]
    out |= {f"{i}.reward": reward.float(), f"{i}.done": done, f"{i}.to_go": to_go.float(),
            f"{i}.above_mean": (to_go - to_go.mean()).float(), f"{i}.gamma": torch.tensor(gamma)}
save("reward_to_go", out)
