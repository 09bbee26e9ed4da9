"""Golden values for transforms: TorchRL's, called with what an environment shows.

    python tests/golden/transforms.py   writes tests/golden/transforms.safetensors
"""
import warnings

import torch
from common import generator, save
from tensordict import TensorDict
from torchrl.envs.transforms import ActionScaling, ObservationNorm, RewardClipping, RewardScaling, VecNorm

warnings.simplefilter("ignore")
g = generator(21)
out = {}
STEPS, FIRST = 12, torch.tensor([0.5, -0.5])  # what every reset shows


def norm(name, rows, ends, **options):
    """VecNorm over a reset and STEPS steps; with one row, a step whose second number is above 3 ends an episode."""
    t = VecNorm(**options)
    actions = torch.randn(STEPS, rows, 2, generator=g)
    actions[..., 1] = actions[..., 1].clamp(max=2.5)
    for i in ends:
        actions[i, :, 1] = 3.5
    first = lambda: t._call(TensorDict({"observation": FIRST.expand(rows, 2).clone()}, [rows]))["observation"]
    started, observation, reward = [first()], [], []
    for i, action in enumerate(actions):
        td = t._call(TensorDict({"observation": action.clone(), "reward": action[:, :1].clone()}, [rows]))
        observation.append(td["observation"])
        reward.append(td["reward"])
        started.append(first() if i in ends else td["observation"])
    out.update({f"{name}.action": actions, f"{name}.started": torch.stack(started),
                f"{name}.observation": torch.stack(observation), f"{name}.reward": torch.stack(reward)})


norm("vec_norm.batch", 5, [], decay=0.9)
norm("vec_norm.slow", 5, [])
norm("vec_norm.one", 1, [3, 4, 9], decay=0.9, eps=1e-2)

x = torch.randn(6, 2, generator=g) * 2
out["x"] = x
loc, scale = torch.tensor([0.25, -1.5]), torch.tensor([2.0, 0.5])
for standard in (False, True):
    t = ObservationNorm(loc, scale, in_keys=["observation"], standard_normal=standard)
    out[f"observation_norm.{standard}"] = t._apply_transform(x)
    t = RewardScaling(0.75, 3.0, standard_normal=standard)
    out[f"reward_scaling.{standard}"] = t._apply_transform(x[:, :1])
t = RewardClipping(-0.5, 0.75)
out["reward_clipping"] = t._apply_transform(x[:, :1])
# an environment whose actions are in [-4, 6]
t = ActionScaling(loc=torch.tensor(1.0), scale=torch.tensor(5.0))
out["action_scaling"] = t._inv_apply_transform(x)
save("transforms", out)
