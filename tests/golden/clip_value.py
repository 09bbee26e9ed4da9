"""Golden values for critics that may go only so far from what they said of the batch: TorchRL's clip_value.

    python tests/golden/clip_value.py      writes tests/golden/clip_value.safetensors
"""
import warnings
import torch
import torch.distributions as D
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, set_composite_lp_aggregate
from torchrl.modules import MLP, ProbabilisticActor, ValueOperator
from torchrl.objectives import A2CLoss, ClipPPOLoss, ReinforceLoss

warnings.filterwarnings("ignore")
set_composite_lp_aggregate(False).set()
LOSSES = {"clip": ClipPPOLoss, "a2c": A2CLoss, "reinforce": ReinforceLoss}
g = generator(71)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def case(kind, number, size, function, clip, ties=False):
    name = f"{kind}.{number}"
    net = MLP(in_features=4, out_features=3, num_cells=[8])
    actor = ProbabilisticActor(TensorDictModule(net, ["observation"], ["logits"]), in_keys=["logits"],
                               distribution_class=D.Categorical)
    critic = ValueOperator(MLP(in_features=4, out_features=1, num_cells=[8]), in_keys=["observation"])
    loss = LOSSES[kind](actor, critic, loss_critic_type=function, clip_value=clip)
    if kind != "reinforce":
        loss.set_keys(sample_log_prob="action_log_prob")
    td = TensorDict({"observation": normal(size, 4), "advantage": normal(size, 1), "value_target": normal(size, 1),
                     "action": torch.randint(0, 3, (size,), generator=g), "action_log_prob": normal(size)}, [size])
    with torch.no_grad():
        value = critic(td.clone())["state_value"]
        td["state_value"] = value.clone() if ties else value + 2 * clip * normal(size, 1)
    result = loss(td.clone())
    part = result["loss_value" if kind == "reinforce" else "loss_critic"].mean()
    part.backward()
    out[f"{name}.out.loss_critic"] = part.reshape(())
    out[f"{name}.out.value_clip_fraction"] = result["value_clip_fraction"].reshape(())
    params = loss.critic_network_params.flatten_keys(".")
    for key in ("0.weight", "0.bias", "2.weight", "2.bias"):
        p = [v for k, v in params.items() if k.endswith("." + key)][0]
        out[f"{name}.critic.{key}"], out[f"{name}.grad.critic.{key}"] = p, p.grad
    for key, value in td.items():
        out[f"{name}.{key}"] = value


for kind in LOSSES:
    for number, (size, function, clip) in enumerate(((16, "l2", 0.2), (16, "smooth_l1", 0.2), (16, "l1", 0.1),
                                                     (1, "l2", 0.5), (1, "smooth_l1", 0.01), (16, "l2", 3.0),
                                                     (16, "l2", 0.02))):
        case(kind, number, size, function, clip)
    case(kind, 7, 16, "l2", 0.2, ties=True)  # the critic has not moved yet: both distances are one
save("clip_value", out)
