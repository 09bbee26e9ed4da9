"""Golden values for DQNLoss: TorchRL's loss, td_error and gradients on random batches.

    python tests/golden/dqn_loss.py   writes tests/golden/dqn_loss.safetensors

Case names are KIND.LOSS.ENCODING.DELAY, with kind plain or double. The network is MLP 4 -> 16 (tanh) -> 8 -> n.
"""
import torch
from tensordict import TensorDict
from torchrl.data import Categorical, OneHot
from torchrl.modules import MLP, QValueActor
from torchrl.objectives import DQNLoss
from common import save, generator

OBSERVATION, ACTIONS = 4, 3
g = generator(3)
out = {}


def case(kind, function, encoding, delay, flags, batch=24):
    name = f"{kind}.{function}.{encoding}.{'delay' if delay else 'online'}.{flags}"
    spec = OneHot(ACTIONS) if encoding == "one_hot" else Categorical(ACTIONS)
    net = MLP(in_features=OBSERVATION, out_features=ACTIONS, num_cells=[16, 8])
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.4)
    actor = QValueActor(net, in_keys=["observation"], spec=spec)
    loss = DQNLoss(actor, loss_function=function, delay_value=delay, double_dqn=kind == "double")
    loss.make_value_estimator(gamma=0.95)
    target = {k: torch.randn(v.shape, generator=g) * 0.4 if delay else v.detach()
              for k, v in net.state_dict().items()}
    if delay:
        for key, value in loss.target_value_network_params.flatten_keys(".").items():
            value.data.copy_(target[key.removeprefix("module.0.module.")])
    index = torch.randint(0, ACTIONS, (batch,), generator=g)
    action = torch.nn.functional.one_hot(index, ACTIONS) if encoding == "one_hot" else index
    draw = torch.rand(batch, 1, generator=g)
    done = {"mixed": draw < 0.4, "all": draw < 2}.get(flags, draw > 2)
    done[-1] |= flags == "last"
    terminated = done & (torch.rand(batch, 1, generator=g) < 0.6) if flags == "mixed" else done
    td = TensorDict({
        "observation": torch.randn(batch, OBSERVATION, generator=g),
        "action": action,
        "next": {"observation": torch.randn(batch, OBSERVATION, generator=g),
                 "reward": torch.randn(batch, 1, generator=g), "done": done, "terminated": terminated,
                 "truncated": done & ~terminated},
    }, [batch])
    value = loss(td)["loss"]
    value.backward()
    for k, p in net.state_dict().items():
        out[f"{name}.online.{k}"], out[f"{name}.target.{k}"] = p, target[k]
    for k, p in loss.value_network_params.flatten_keys(".").items():
        out[f"{name}.grad.{k.removeprefix('module.0.module.')}"] = p.grad
    for k in ("observation", "action"):
        out[f"{name}.{k}"] = td[k]
    for k in ("observation", "reward", "done", "terminated"):
        out[f"{name}.next.{k}"] = td["next", k]
    out[f"{name}.loss"], out[f"{name}.td_error"] = value, td["td_error"]


for kind in ("plain", "double"):
    for function in ("l2", "smooth_l1", "l1"):
        for encoding in ("one_hot", "categorical"):
            case(kind, function, encoding, True, "mixed")
            if kind == "plain":  # TorchRL: double_dqn requires delay_value
                case(kind, function, encoding, False, "mixed")
    case(kind, "l2", "one_hot", True, "all")
    case(kind, "l2", "one_hot", True, "none")
for kind in ("plain", "double"):
    case(kind, "smooth_l1", "one_hot", True, "last", 5)
    case(kind, "smooth_l1", "categorical", True, "single", 1)
    case(kind, "l2", "one_hot", True, "single", 1)
save("dqn_loss", out)
