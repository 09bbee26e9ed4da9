"""DistributionalDQNLoss and DistributionalQValueActor of TorchRL on random batches, edge cases among them.

    python tests/golden/distributional.py     writes tests/golden/distributional.safetensors

Case N: the network is MLP 4 -> 8 (tanh) -> [atoms, actions]; settings are atoms, actions, v_min, v_max, gamma, one_hot.
"""
import torch
from tensordict import TensorDict
from torchrl.data import Categorical, OneHot
from torchrl.modules import MLP, DistributionalQValueActor
from torchrl.objectives import DistributionalDQNLoss
from common import save, generator

BATCH = 12
g = generator(31)
out = {}


def case(number, atoms, actions, v_min, v_max, gamma=0.9, one_hot=True, reward="normal", flags="mixed", steps=False,
         weights=False, scale=0.8):
    net = MLP(in_features=4, out_features=(atoms, actions), num_cells=[8])
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * scale)
    spec = OneHot(actions) if one_hot else Categorical(actions)
    actor = DistributionalQValueActor(net, spec=spec, support=torch.linspace(v_min, v_max, atoms))
    loss = DistributionalDQNLoss(actor, gamma=gamma)
    target = {k: torch.randn(v.shape, generator=g) * scale for k, v in net.state_dict().items()}
    for key, value in loss.target_value_network_params.flatten_keys(".").items():
        if key.startswith("module.0."):
            value.data.copy_(target[key.removeprefix("module.0.module.")])
    index = torch.randint(0, actions, (BATCH,), generator=g)
    span = v_max - v_min
    rewards = {
        "normal": torch.randn(BATCH, 1, generator=g) * span / 4,
        "far": torch.randn(BATCH, 1, generator=g) * span * 50,  # all mass on an edge
        "grid": torch.randint(-3, 4, (BATCH, 1), generator=g) * span / (atoms - 1),  # atoms fall on atoms
        "zero": torch.zeros(BATCH, 1),
    }
    terminated = {"mixed": torch.rand(BATCH, 1, generator=g) < 0.4, "all": torch.ones(BATCH, 1, dtype=torch.bool),
                  "none": torch.zeros(BATCH, 1, dtype=torch.bool)}[flags]
    td = TensorDict({
        "observation": torch.randn(BATCH, 4, generator=g),
        "action": torch.nn.functional.one_hot(index, actions) if one_hot else index,
        "next": {"observation": torch.randn(BATCH, 4, generator=g), "reward": rewards[reward],
                 "done": terminated, "terminated": terminated},
    }, [BATCH])
    if steps:
        td["steps_to_next_obs"] = torch.randint(1, 6, (BATCH, 1), generator=g)
        out[f"{number}.steps_to_next_obs"] = td["steps_to_next_obs"]
    if weights:
        td["priority_weight"] = torch.rand(BATCH, generator=g)
        out[f"{number}.priority_weight"] = td["priority_weight"]
    acted = actor(td.clone())
    out[f"{number}.chosen"], out[f"{number}.log_probability"] = acted["action"], acted["action_value"]
    value = loss(td)["loss"]
    value.backward()
    for k, p in net.state_dict().items():
        out[f"{number}.online.{k}"], out[f"{number}.target.{k}"] = p, target[k]
    for k, p in loss.value_network_params.flatten_keys(".").items():
        if k.startswith("module.0."):
            out[f"{number}.grad.{k.removeprefix('module.0.module.')}"] = p.grad
    for k in ("observation", "action"):
        out[f"{number}.{k}"] = td[k]
    for k in ("observation", "reward", "done", "terminated"):
        out[f"{number}.next.{k}"] = td["next", k]
    out[f"{number}.loss"], out[f"{number}.td_error"] = value, td["td_error"]
    out[f"{number}.settings"] = torch.tensor([atoms, actions, v_min, v_max, gamma, one_hot], dtype=torch.double)


CASES = [
    dict(atoms=5, actions=3, v_min=-2, v_max=2),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, one_hot=False),
    dict(atoms=51, actions=2, v_min=-10, v_max=10),
    dict(atoms=51, actions=2, v_min=-10, v_max=10, gamma=0.99, steps=True, weights=True),
    dict(atoms=101, actions=2, v_min=-100, v_max=100, one_hot=False),
    dict(atoms=2, actions=2, v_min=0, v_max=1),
    dict(atoms=2, actions=4, v_min=-1, v_max=1, one_hot=False, weights=True),
    dict(atoms=7, actions=1, v_min=-3, v_max=3),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, reward="far"),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, reward="far", flags="none"),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, reward="grid", gamma=1.0),
    dict(atoms=9, actions=3, v_min=-2, v_max=2, reward="grid", gamma=1.0, flags="all"),
    dict(atoms=9, actions=3, v_min=-2, v_max=2, reward="grid", gamma=0.5, flags="none"),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, reward="zero", gamma=0.0),
    dict(atoms=5, actions=3, v_min=-2, v_max=2, reward="zero", gamma=1.0, flags="none"),
    dict(atoms=6, actions=3, v_min=-2, v_max=2, flags="all"),
    dict(atoms=6, actions=3, v_min=1, v_max=4, reward="zero", flags="all"),  # 0 lies outside of the support
    dict(atoms=21, actions=2, v_min=0, v_max=20, steps=True, one_hot=False),
    dict(atoms=21, actions=2, v_min=0, v_max=20, weights=True, scale=3.0),  # sharp distributions
    dict(atoms=11, actions=5, v_min=-0.5, v_max=0.25, steps=True, weights=True),
]
for number, settings in enumerate(CASES):
    case(number, **settings)
save("distributional", out)
