"""Golden values for the losses that learn from recorded steps: TorchRL's named parts and gradients on random batches.

    python tests/golden/off_policy.py      writes tests/golden/off_policy.safetensors

A case is KIND.NUMBER. What its options are follows from the number, here and in the tests: sizes, which steps are
terminated, the distance, the encoding of actions. Every network is an MLP with one hidden layer of 8. Where a loss draws
noise the noise is given: the golden file has it. CQL's uniform actions are those that rlc draws (draws.py).
"""
import warnings
import torch
import torch.distributions as D
import torch.distributions.normal
import draws
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import NormalParamExtractor, TensorDictModule, set_composite_lp_aggregate
from torchrl.data import Bounded, Categorical, OneHot
from torchrl.modules import MLP, OneHotCategorical, ProbabilisticActor, QValueActor, TanhNormal, ValueOperator
from torchrl.objectives.utils import distance_loss
from torchrl.objectives import (CQLLoss, DiscreteCQLLoss, DiscreteIQLLoss, DiscreteSACLoss, IQLLoss, REDQLoss, SACLoss)

warnings.filterwarnings("ignore")
set_composite_lp_aggregate(False).set()
CASES = 20
OBSERVATION, ACTIONS, CHOICES = 4, 2, 3
PARTS = ("0.weight", "0.bias", "2.weight", "2.bias")
GAMMA = 0.9
g = generator(71)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


def mlp(inputs, outputs):
    net = MLP(in_features=inputs, out_features=outputs, num_cells=[8])
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(normal(*p.shape) * 0.4)
    return net


def function(i):
    return ("smooth_l1", "l2", "l1")[i % 3]


def one_hot(i):
    return i % 2 == 0


def batch(i, discrete, bound=2.0, extras=False):
    size, flags = (24, 7, 24, 1)[i % 4], ("mixed", "none", "all")[i // 4 % 3]
    draw = torch.rand(size, 1, generator=g)
    done = {"mixed": draw < 0.5, "all": draw < 2, "none": draw > 2}[flags]
    terminated = done & (torch.rand(size, 1, generator=g) < 0.6) if flags == "mixed" else done
    if discrete:
        action = torch.randint(0, CHOICES, (size,), generator=g)
        action = torch.nn.functional.one_hot(action, CHOICES) if one_hot(i) else action
    else:
        action = (torch.rand(size, ACTIONS, generator=g) * 2 - 1) * bound
    td = TensorDict({"observation": normal(size, OBSERVATION), "action": action,
                     "next": {"observation": normal(size, OBSERVATION), "reward": normal(size, 1) * 2, "done": done,
                              "terminated": terminated}}, [size])
    if extras and i % 3 == 1:
        td["priority_weight"] = torch.rand(size, generator=g) + 0.1
    if extras and i % 5 == 4:
        td["steps_to_next_obs"] = torch.randint(1, 4, (size, 1), generator=g)
    return td


def discrete_actor(i):
    module = TensorDictModule(mlp(OBSERVATION, CHOICES), ["observation"], ["logits"])
    return ProbabilisticActor(module, in_keys=["logits"], distribution_class=OneHotCategorical if one_hot(i) else D.Categorical)


def continuous_actor(bound=2.0):
    net = torch.nn.Sequential(mlp(OBSERVATION, 2 * ACTIONS), NormalParamExtractor())
    module = TensorDictModule(net, ["observation"], ["loc", "scale"])
    return ProbabilisticActor(module, in_keys=["loc", "scale"], distribution_class=TanhNormal,
                              distribution_kwargs={"low": -bound, "high": bound})


def critic():
    return ValueOperator(mlp(OBSERVATION + ACTIONS, 1), in_keys=["observation", "action"])


def leaf(params, part):
    found = [v for k, v in params.flatten_keys(".").items() if k.endswith("." + part)]
    assert len(found) == 1, (part, list(params.flatten_keys(".").keys()))
    return found[0]


def fill(params):
    for part in PARTS:
        p = leaf(params, part)
        p.data.copy_(normal(*p.shape) * 0.4)


def record(name, network, params, total=None, index=None):
    """A network's parameters, and the gradients of `total` for them."""
    for part in PARTS:
        p = leaf(params, part)
        out[f"{name}.{network}.{part}"] = p if index is None else p[index]
        if total is not None:
            slope = torch.autograd.grad(total, p, retain_graph=True)[0]
            out[f"{name}.grad.{network}.{part}"] = slope if index is None else slope[index]


def record_critics(name, params, targets, count, total):
    for i in range(count):
        record(name, f"q{i}", params, total, i)
        record(name, f"target{i}", targets, None, i)


class given_normals:
    """Standard normal numbers come from a list, which the golden file keeps under NAME.noise.N."""

    def __init__(self, name, *shapes):
        self.queue = [normal(*shape) for shape in shapes]
        for i, noise in enumerate(self.queue):
            out[f"{name}.noise.{i}"] = noise

    def __enter__(self):
        self.usual = torch.distributions.normal._standard_normal
        torch.distributions.normal._standard_normal = self.draw

    def draw(self, shape, dtype, device):
        noise = self.queue.pop(0)
        assert noise.shape == shape, (noise.shape, shape)
        return noise

    def __exit__(self, *args):
        torch.distributions.normal._standard_normal = self.usual
        assert args[0] is not None or not self.queue


def finish(name, td, used, result, trained):
    """`trained`: the parts that are differentiated together."""
    for k, v in td.flatten_keys(".").items():
        out[f"{name}.{k}"] = v
    for k, v in result.items():
        if v.numel() == 1 and "." not in k:
            out[f"{name}.out.{k}"] = v.reshape(())
    out[f"{name}.out.loss"] = sum(result[k] for k in trained).reshape(())
    out[f"{name}.td_error"] = used["td_error"].reshape(-1, 1)


LEAST, MOST = (0, 0.5, 0, 0.2), (0, 0, 0.2, 0.25)  # bounds of alpha, 0 for none


def temperature(i):
    least, most = LEAST[i // 2 % 4], MOST[i // 2 % 4]
    return {"alpha_init": 0.3, "min_alpha": least or None, "max_alpha": most or None}


def soft(name, td, used, loss, result, count=2):
    finish(name, td, used, result, ("loss_actor", "loss_qvalue", "loss_alpha"))
    record(name, "actor", loss.actor_network_params, result["loss_actor"])
    record_critics(name, loss.qvalue_network_params, loss.target_qvalue_network_params, count, result["loss_qvalue"])
    out[f"{name}.grad.log_alpha"] = torch.autograd.grad(result["loss_alpha"], loss.log_alpha, retain_graph=True)[0]
    out[f"{name}.log_alpha"] = loss.log_alpha


def sac(i):
    name, td = f"sac.{i}", batch(i, False, extras=True)
    loss = SACLoss(continuous_actor(), critic(), loss_function=function(i), target_entropy=-ACTIONS, **temperature(i))
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.qvalue_network_params), fill(loss.target_qvalue_network_params)
    used, shape = td.clone(), (len(td), ACTIONS)
    with given_normals(name, shape, shape):
        result = loss(used)
    soft(name, td, used, loss, result)


def discrete_sac(i):
    name, td = f"discrete_sac.{i}", batch(i, True, extras=True)
    q = TensorDictModule(mlp(OBSERVATION, CHOICES), ["observation"], ["action_value"])
    loss = DiscreteSACLoss(discrete_actor(i), q, action_space="one-hot" if one_hot(i) else "categorical",
                           num_actions=CHOICES, loss_function=function(i), **temperature(i))
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.qvalue_network_params), fill(loss.target_qvalue_network_params)
    used = td.clone()
    result = loss(used)
    soft(name, td, used, loss, result)


def redq(i):
    """The subset is made of the first critics."""
    count, sub = (5, 3, 10, 2)[i % 4], (2, 2, 3, 1)[i % 4]
    name, td = f"redq.{i}", batch(i, False)
    bounds = ({}, {"min_alpha": 0.5}, {"max_alpha": 0.2})[i // 2 % 3]
    loss = REDQLoss(continuous_actor(), critic(), num_qvalue_nets=count, sub_sample_len=sub, alpha_init=0.3,
                    loss_function=function(i), target_entropy=-ACTIONS, **bounds)
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.qvalue_network_params), fill(loss.target_qvalue_network_params)
    used = td.clone()
    noises = [normal(len(td), ACTIONS), normal(len(td), ACTIONS)]  # of the next state's action, then of this one's
    out[f"{name}.noise.0"], out[f"{name}.noise.1"] = noises
    usual, permutation = torch.distributions.normal._standard_normal, torch.randperm
    torch.distributions.normal._standard_normal = lambda shape, dtype, device: torch.stack(noises[::-1])
    torch.randperm = lambda n: torch.arange(n)
    result = loss(used)
    torch.distributions.normal._standard_normal, torch.randperm = usual, permutation
    soft(name, td, used, loss, result, count)


def iql(i, discrete):
    name, td = f"{'discrete_iql' if discrete else 'iql'}.{i}", batch(i, discrete)
    options = {"loss_function": function(i), "temperature": (1.0, 0.3, 4.0)[i % 3], "expectile": (0.5, 0.7, 0.9)[i // 2 % 3]}
    value = ValueOperator(mlp(OBSERVATION, 1), in_keys=["observation"])
    if discrete:
        q = TensorDictModule(mlp(OBSERVATION, CHOICES), ["observation"], ["state_action_value"])
        loss = DiscreteIQLLoss(discrete_actor(i), q, value, action_space="one-hot" if one_hot(i) else "categorical", **options)
    else:
        loss = IQLLoss(continuous_actor(), critic(), value, **options)
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.qvalue_network_params), fill(loss.target_qvalue_network_params)
    used = td.clone()
    result = loss(used)
    finish(name, td, used, result, ("loss_actor", "loss_qvalue", "loss_value"))
    record(name, "actor", loss.actor_network_params, result["loss_actor"])
    record(name, "value", loss.value_network_params, result["loss_value"])
    record_critics(name, loss.qvalue_network_params, loss.target_qvalue_network_params, 2, result["loss_qvalue"])


def uniform_actions(count):
    words = draws.blocks(draws.stream_key(3, "loss.actions"), (count * ACTIONS + 3) // 4).reshape(-1)
    return torch.from_numpy(draws.between(words[: count * ACTIONS], -1.0, 1.0).copy()).reshape(count, ACTIONS)


def cql(i):
    """Actions in [-1, 1], as the loss takes for granted. Without the Lagrange multiplier rlc's loss is the sum of all
    parts but one of the actor's; with it, its own part trains nothing but the multiplier."""
    name, td = f"cql.{i}", batch(i, False, 1.0)
    count = (1, 4)[i // 2 % 2]
    options = {"max_q_backup": i % 5 == 3, "deterministic_backup": i % 2 == 0, "num_random": count,
               "temperature": (1.0, 0.5)[i // 4 % 2], "min_q_weight": (1.0, 5.0)[i // 3 % 2],
               "with_lagrange": i % 4 == 1, "lagrange_thresh": 0.7}
    loss = CQLLoss(continuous_actor(1.0), critic(), loss_function=function(i), target_entropy=-ACTIONS,
                   **temperature(i), **options)
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.qvalue_network_params), fill(loss.target_qvalue_network_params)
    used, size = td.clone(), len(td)
    one, many = (size, ACTIONS), (size * count, ACTIONS)
    backup = [one, many] if options["max_q_backup"] else [one]
    usual = torch.Tensor.uniform_
    torch.Tensor.uniform_ = lambda self, low, high: self.copy_(uniform_actions(len(self)))
    # the backup's, of this state's actions and the next one's, of the action that imitates, of the one that improves
    with given_normals(name, *backup, many, many, one, one):
        result = loss(used)
    torch.Tensor.uniform_ = usual
    finish(name, td, used, result, ("loss_actor", "loss_qvalue", "loss_cql", "loss_alpha"))
    critics = result["loss_qvalue"] + result["loss_cql"]
    record(name, "actor", loss.actor_network_params, result["loss_actor"])
    for part in PARTS:
        p = leaf(loss.actor_network_params, part)
        out[f"{name}.grad.imitate.{part}"] = torch.autograd.grad(result["loss_actor_bc"], p, retain_graph=True)[0]
    record_critics(name, loss.qvalue_network_params, loss.target_qvalue_network_params, 2, critics)
    out[f"{name}.grad.log_alpha"] = torch.autograd.grad(result["loss_alpha"], loss.log_alpha, retain_graph=True)[0]
    if options["with_lagrange"]:
        slope = torch.autograd.grad(result["loss_alpha_prime"], loss.log_alpha_prime, retain_graph=True)[0]
        out[f"{name}.grad.log_alpha_prime"] = slope


def discrete_cql(i):
    """TorchRL hands the target's parameters to its estimator under a name that it does not know, so it bootstraps from the
    trained network. Its values are those of rlc without a target network; the others, `delayed`, are computed here."""
    name, td = f"discrete_cql.{i}", batch(i, True)
    spec = OneHot(CHOICES) if one_hot(i) else Categorical(CHOICES)
    loss = DiscreteCQLLoss(QValueActor(mlp(OBSERVATION, CHOICES), in_keys=["observation"], spec=spec),
                           loss_function=function(i), action_space="one-hot" if one_hot(i) else "categorical")
    loss.make_value_estimator(gamma=GAMMA)
    fill(loss.target_value_network_params)
    used = td.clone()
    result = loss(used)
    del result["td_error"]
    finish(name, td, used, result, ("loss_qvalue", "loss_cql"))
    record(name, "q0", loss.value_network_params, result["loss_qvalue"] + result["loss_cql"])
    record(name, "target0", loss.target_value_network_params)
    with torch.no_grad(), loss.target_value_network_params.to_module(loss.value_network):
        worth = loss.value_network(td["next"].clone())["chosen_action_value"]
    with torch.no_grad(), loss.value_network_params.to_module(loss.value_network):
        values = loss.value_network(td.clone())["action_value"]
    action = td["action"] if one_hot(i) else torch.nn.functional.one_hot(td["action"], CHOICES)
    value = (values * action).sum(-1, keepdim=True)
    target = td["next", "reward"] + GAMMA * ~td["next", "terminated"] * worth
    out[f"{name}.out.delayed"] = 0.5 * distance_loss(value, target, function(i)).mean()


for number in range(CASES):
    sac(number)
    discrete_sac(number)
    redq(number)
    iql(number, False)
    iql(number, True)
    cql(number)
    discrete_cql(number)
save("off_policy", out)
