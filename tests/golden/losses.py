"""Golden values for the losses of actors and critics: TorchRL's named parts and gradients on random batches.

    python tests/golden/losses.py      writes tests/golden/losses.safetensors

Every network is an MLP with one hidden layer of 8. Where a loss draws noise the noise is given: the golden file has it.
"""
import warnings
import torch
import torch.distributions as D
import torch.distributions.normal
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import NormalParamExtractor, TensorDictModule, TensorDictSequential, set_composite_lp_aggregate
from torchrl.data import Bounded
from torchrl.modules import MLP, IndependentNormal, ProbabilisticActor, TanhModule, TanhNormal, ValueOperator
from torchrl.objectives import (A2CLoss, ClipPPOLoss, DDPGLoss, KLPENPPOLoss, ReinforceLoss, SACLoss, TD3Loss)

warnings.filterwarnings("ignore")
set_composite_lp_aggregate(False).set()
OBSERVATION, ACTIONS, CHOICES = 4, 2, 3
PARTS = ("0.weight", "0.bias", "2.weight", "2.bias")
g = generator(33)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def mlp(inputs, outputs):
    net = MLP(in_features=inputs, out_features=outputs, num_cells=[8])
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(normal(*p.shape) * 0.4)
    return net


def policy(family, net):
    if family == "categorical":
        module = TensorDictModule(net, ["observation"], ["logits"])
        return ProbabilisticActor(module, in_keys=["logits"], distribution_class=D.Categorical)
    module = TensorDictModule(torch.nn.Sequential(net, NormalParamExtractor()), ["observation"], ["loc", "scale"])
    kinds = {"normal": (IndependentNormal, {}), "tanh": (TanhNormal, {"low": -2.0, "high": 2.0})}[family]
    return ProbabilisticActor(module, in_keys=["loc", "scale"], distribution_class=kinds[0],
                              distribution_kwargs=kinds[1])


def leaf(params, part):
    """The one parameter of that name, wherever TorchRL put it."""
    found = [v for k, v in params.flatten_keys(".").items() if k.endswith("." + part)]
    assert len(found) == 1, (part, list(params.flatten_keys(".").keys()))
    return found[0]


def record(name, network, params, index=None, grad=True):
    for part in PARTS:
        p = leaf(params, part)
        value, slope = (p, p.grad) if index is None else (p[index], p.grad[index] if grad and p.grad is not None else None)
        out[f"{name}.{network}.{part}"] = value
        if grad and slope is not None:
            out[f"{name}.grad.{network}.{part}"] = slope


def fill(params):
    for part in PARTS:
        p = leaf(params, part)
        p.data.copy_(normal(*p.shape) * 0.4)


def finish(name, td, result):
    total = sum(v for k, v in result.items() if k.startswith("loss_"))
    total.backward()
    for k, v in result.items():
        if v.numel() == 1:
            out[f"{name}.out.{k}"] = v.reshape(())
    out[f"{name}.out.loss"] = total.reshape(())
    for k, v in td.flatten_keys(".").items():
        out[f"{name}.{k}"] = v


ON_POLICY = {"clip": ClipPPOLoss, "kl": KLPENPPOLoss, "a2c": A2CLoss, "reinforce": ReinforceLoss}


def on_policy(kind, family, size, function, normalize):
    name = f"{kind}.{family}.{size}.{function}.{'normalized' if normalize else 'plain'}"
    net = mlp(OBSERVATION, CHOICES if family == "categorical" else 2 * ACTIONS)
    actor, critic = policy(family, net), ValueOperator(mlp(OBSERVATION, 1), in_keys=["observation"])
    options = {"loss_critic_type": function}
    if kind in ("clip", "kl"):
        options["normalize_advantage"] = normalize
    if kind == "kl":  # TorchRL changes beta in place before backward, so its gradient is that of another loss
        options |= {"increment": 1.0, "decrement": 1.0}
    loss = ON_POLICY[kind](actor, critic, **options)
    if kind != "reinforce":
        loss.set_keys(sample_log_prob="action_log_prob")
    td = TensorDict({"observation": normal(size, OBSERVATION), "advantage": normal(size, 1) * 2 + 0.5,
                     "value_target": normal(size, 1) * 2}, [size])
    with torch.no_grad():
        d = actor.get_dist(td.clone())
        td["action"] = (torch.randint(0, CHOICES, (size,), generator=g) if family == "categorical"
                        else d.base_dist.loc + d.base_dist.scale * normal(size, ACTIONS))
        td["action_log_prob"] = d.log_prob(td["action"]) + 0.3 * normal(size)
        if family == "categorical":
            td["logits"] = d.logits + 0.2 * normal(size, CHOICES)
        else:
            td["loc"], td["scale"] = d.base_dist.loc + 0.1 * normal(size, ACTIONS), d.base_dist.scale * 1.1
    result = loss(td.clone())
    result = TensorDict({k: v.mean() for k, v in result.items() if not k.startswith("max_")})
    finish(name, td, result)
    record(name, "actor", loss.actor_network_params)
    record(name, "critic", loss.critic_network_params)


def replayed(size, flags, bound=2.0):
    draw = torch.rand(size, 1, generator=g)
    terminated = {"mixed": draw < 0.3, "all": draw < 2, "none": draw > 2}[flags]
    return TensorDict({
        "observation": normal(size, OBSERVATION), "action": (torch.rand(size, ACTIONS, generator=g) * 2 - 1) * bound,
        "next": {"observation": normal(size, OBSERVATION), "reward": normal(size, 1), "done": terminated,
                 "terminated": terminated}}, [size])


def sac(size, flags, function, fixed):
    name = f"sac.{size}.{flags}.{function}.{'fixed' if fixed else 'learned'}"
    actor = policy("tanh", mlp(OBSERVATION, 2 * ACTIONS))
    q = ValueOperator(mlp(OBSERVATION + ACTIONS, 1), in_keys=["observation", "action"])
    loss = SACLoss(actor, q, loss_function=function, alpha_init=0.3, fixed_alpha=fixed, target_entropy=-ACTIONS)
    loss.make_value_estimator(gamma=0.9)
    fill(loss.qvalue_network_params)
    fill(loss.target_qvalue_network_params)
    td = replayed(size, flags)
    noises = [normal(size, ACTIONS), normal(size, ACTIONS)]  # of the next state's action, then of this one's
    out[f"{name}.noise.0"], out[f"{name}.noise.1"] = noises
    queue = list(noises)
    usual = torch.distributions.normal._standard_normal
    torch.distributions.normal._standard_normal = lambda shape, dtype, device: queue.pop(0)
    used = td.clone()
    result = loss(used)
    torch.distributions.normal._standard_normal = usual
    assert not queue
    if fixed:
        del result["loss_alpha"]  # rlc reports none where nothing is learned
    finish(name, td, result)
    out[f"{name}.td_error"] = used["td_error"].reshape(size, 1)
    record(name, "actor", loss.actor_network_params)
    for i in range(2):
        record(name, f"q{i}", loss.qvalue_network_params, i)
        record(name, f"target{i}", loss.target_qvalue_network_params, i, False)
    if not fixed:
        out[f"{name}.grad.log_alpha"] = loss.log_alpha.grad


def deterministic(kind, size, flags, function):
    name = f"{kind}.{size}.{flags}.{function}"
    spec = Bounded(-2.0, 2.0, (ACTIONS,))
    actor = TensorDictSequential(TensorDictModule(mlp(OBSERVATION, ACTIONS), ["observation"], ["action"]),
                                 TanhModule(in_keys=["action"], spec=spec))
    q = ValueOperator(mlp(OBSERVATION + ACTIONS, 1), in_keys=["observation", "action"])
    if kind == "ddpg":
        loss = DDPGLoss(actor, q, loss_function=function, delay_actor=True, delay_value=True)
        critics, targets = loss.value_network_params, loss.target_value_network_params
    else:
        loss = TD3Loss(actor, q, loss_function=function, action_spec=spec, policy_noise=0.0)
        critics, targets = loss.qvalue_network_params, loss.target_qvalue_network_params
    loss.make_value_estimator(gamma=0.9)
    fill(critics)
    fill(targets)
    fill(loss.target_actor_network_params)
    td = replayed(size, flags)
    result = loss(td.clone())
    finish(name, td, result)
    record(name, "actor", loss.actor_network_params)
    record(name, "target_actor", loss.target_actor_network_params, grad=False)
    for i in range(2 if kind == "td3" else 1):
        index = i if kind == "td3" else None
        record(name, f"q{i}", critics, index)
        record(name, f"target{i}", targets, index, False)


if __name__ == "__main__":
    for family in ("normal", "categorical"):
        for kind in ON_POLICY:
            on_policy(kind, family, 24, "smooth_l1", False)
            on_policy(kind, family, 24, "l2", False)
            on_policy(kind, family, 1, "smooth_l1", False)
        for kind in ("clip", "kl"):
            on_policy(kind, family, 24, "smooth_l1", True)
    for size, flags, function, fixed in ((24, "mixed", "smooth_l1", False), (24, "mixed", "l2", True),
                                         (24, "all", "smooth_l1", False), (24, "none", "smooth_l1", False),
                                         (1, "none", "l2", False)):
        sac(size, flags, function, fixed)
    for kind in ("ddpg", "td3"):
        for size, flags, function in ((24, "mixed", "smooth_l1"), (24, "mixed", "l2"), (24, "all", "l2"), (24, "none", "l2"),
                                      (1, "none", "smooth_l1")):
            deterministic(kind, size, flags, function)
    save("losses", out)
