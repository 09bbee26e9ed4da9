"""Golden values for the losses of actors and critics, many small cases: all options that change a loss at random, batches
from one row on, importance weights, rows of which all, none or only the last one end.

    python tests/golden/losses_random.py      writes tests/golden/losses_random.safetensors

Case KIND.N has its options in KIND.N.settings, a row of numbers in the order of the functions' `settings` here.
"""
import torch
import losses
from common import generator, save
from losses import (ACTIONS, CHOICES, OBSERVATION, ON_POLICY, DDPGLoss, SACLoss, TD3Loss, TensorDict, fill, finish, mlp,
                    normal, policy, record, replayed)
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.data import Bounded
from torchrl.modules import TanhModule, ValueOperator

CASES = 24
SIZES = (1, 2, 3, 5, 8, 13)
FUNCTIONS = ("l2", "l1", "smooth_l1")
losses.g = g = generator(71)
losses.out.clear()
out = losses.out


def uniform(low, high):
    return low + (high - low) * float(torch.rand((), generator=g))


def chance(share):
    return float(torch.rand((), generator=g)) < share


def remember(name, *settings):
    out[f"{name}.settings"] = torch.tensor([float(s) for s in settings], dtype=torch.float64)


def on_policy(kind, number):
    """settings: categorical, function, normalize, entropy_coeff, critic_coeff, clip_epsilon or beta"""
    name, size = f"{kind}.{number}", SIZES[number % 6]
    categorical, normalize, function = number % 2, int(chance(0.5)), number // 2 % 3
    entropy, critic_coeff, extra = uniform(0.01, 0.3), uniform(0.1, 2), uniform(0.05, 0.5)
    net = mlp(OBSERVATION, CHOICES if categorical else 2 * ACTIONS)
    actor = policy("categorical" if categorical else "normal", net)
    critic = ValueOperator(mlp(OBSERVATION, 1), in_keys=["observation"])
    options = {"loss_critic_type": FUNCTIONS[function], "critic_coeff": critic_coeff}
    if kind == "clip":
        options |= {"clip_epsilon": extra, "normalize_advantage": bool(normalize)}
    if kind == "kl":  # TorchRL changes beta in place before backward, so its gradient is that of another loss
        options |= {"beta": extra, "increment": 1.0, "decrement": 1.0, "normalize_advantage": bool(normalize)}
    if kind == "reinforce":
        del options["critic_coeff"]
        critic_coeff = 1
    else:
        options["entropy_coeff"] = entropy
    loss = ON_POLICY[kind](actor, critic, **options)
    if kind != "reinforce":
        loss.set_keys(sample_log_prob="action_log_prob")
    td = TensorDict({"observation": normal(size, OBSERVATION), "advantage": normal(size, 1) * 2 + 0.5,
                     "value_target": normal(size, 1) * 2}, [size])
    if number % 5 == 4:  # ties: rows that are alike
        td["advantage"], td["value_target"] = torch.full((size, 1), 0.5), torch.full((size, 1), -1.0)
    with torch.no_grad():
        d = actor.get_dist(td.clone())
        td["action"] = (torch.randint(0, CHOICES, (size,), generator=g) if categorical
                        else d.base_dist.loc + d.base_dist.scale * normal(size, ACTIONS))
        td["action_log_prob"] = d.log_prob(td["action"]) + (0.3 * normal(size) if number % 4 else 0)
        if categorical:
            td["logits"] = d.logits + 0.2 * normal(size, CHOICES)
        else:
            td["loc"], td["scale"] = d.base_dist.loc + 0.1 * normal(size, ACTIONS), d.base_dist.scale * 1.1
        value = critic(td.clone())["state_value"]
    used = td.clone()
    if kind in ("a2c", "reinforce") and normalize and size > 1:  # TorchRL's have no option for it, rlc's have PPO's
        a = used["advantage"]
        used["advantage"] = (a - a.mean()) / a.std().clamp_min(1e-6)
    result = loss(used)
    result = TensorDict({k: v.mean() for k, v in result.items() if not k.startswith("max_")})
    finish(name, td, result)
    target = td["value_target"]
    if number % 5 != 4 and size > 1:
        explained = 1 - (target - value).var(unbiased=False) / target.var(unbiased=False)
        if "explained_variance" in result.keys():
            assert torch.allclose(result["explained_variance"], explained, atol=1e-4)
        out[f"{name}.out.explained_variance"] = explained
    else:
        out.pop(f"{name}.out.explained_variance", None)
    remember(name, categorical, function, normalize, entropy, critic_coeff, extra)
    record(name, "actor", loss.actor_network_params)
    record(name, "critic", loss.critic_network_params)


def batch(number):
    td = replayed(SIZES[number % 6], ("mixed", "all", "none", "none")[number // 6])
    td = td.detach()
    if number // 6 == 3:
        td["next", "terminated"][-1] = td["next", "done"][-1] = True
    if number % 2:
        td["priority_weight"] = torch.rand(td.shape[0], generator=g) + 0.05
    if number % 5 == 4:
        td["next", "reward"].fill_(1)
    return td


def given_noise(loss, td, noises):
    queue = list(noises)
    usual = torch.distributions.normal._standard_normal
    torch.distributions.normal._standard_normal = lambda shape, dtype, device: queue.pop(0)
    result = loss(td)
    torch.distributions.normal._standard_normal = usual
    assert not queue
    return result


def sac(number):
    """settings: function, gamma, alpha_init, fixed, target_entropy, min_alpha, max_alpha, critics"""
    name, td = f"sac.{number}", batch(number)
    size, count = td.shape[0], (2, 1, 3)[number % 3]
    function, gamma, fixed = number // 3 % 3, uniform(0.5, 1), int(number % 8 == 5)
    alpha, entropy = uniform(0.05, 1), uniform(-4, 1)
    low, high = ((0, 0), (0.2, 0), (0, 0.3), (0.3, 0.5))[number % 4]
    actor = policy("tanh", mlp(OBSERVATION, 2 * ACTIONS))
    q = ValueOperator(mlp(OBSERVATION + ACTIONS, 1), in_keys=["observation", "action"])
    loss = SACLoss(actor, q, num_qvalue_nets=count, loss_function=FUNCTIONS[function], alpha_init=alpha,
                   fixed_alpha=bool(fixed), target_entropy=entropy, min_alpha=low or None, max_alpha=high or None)
    loss.make_value_estimator(gamma=gamma)
    fill(loss.qvalue_network_params)
    fill(loss.target_qvalue_network_params)
    noises = [normal(size, ACTIONS), normal(size, ACTIONS)]  # of the next state's action, then of this one's
    out[f"{name}.noise.0"], out[f"{name}.noise.1"] = noises
    used = td.clone()
    result = given_noise(loss, used, noises)
    if fixed:
        del result["loss_alpha"]  # rlc reports none where nothing is learned
    finish(name, td, result)
    out[f"{name}.td_error"] = used["td_error"].reshape(size, 1)
    remember(name, function, gamma, alpha, fixed, entropy, low, high, count)
    record(name, "actor", loss.actor_network_params)
    for i in range(count):
        record(name, f"q{i}", loss.qvalue_network_params, i)
        record(name, f"target{i}", loss.target_qvalue_network_params, i, False)
    if not fixed:
        out[f"{name}.grad.log_alpha"] = loss.log_alpha.grad


def deterministic(kind, number):
    """settings: function, gamma, critics"""
    name, td = f"{kind}.{number}", batch(number)
    function, gamma, count = number // 3 % 3, uniform(0.5, 1), (2, 1, 3)[number % 3] if kind == "td3" else 1
    spec = Bounded(-2.0, 2.0, (ACTIONS,))
    actor = TensorDictSequential(TensorDictModule(mlp(OBSERVATION, ACTIONS), ["observation"], ["action"]),
                                 TanhModule(in_keys=["action"], spec=spec))
    q = ValueOperator(mlp(OBSERVATION + ACTIONS, 1), in_keys=["observation", "action"])
    if kind == "ddpg":
        loss = DDPGLoss(actor, q, loss_function=FUNCTIONS[function], delay_actor=True, delay_value=True)
        critics, targets = loss.value_network_params, loss.target_value_network_params
    else:
        loss = TD3Loss(actor, q, num_qvalue_nets=count, loss_function=FUNCTIONS[function], action_spec=spec,
                       policy_noise=0.0)
        critics, targets = loss.qvalue_network_params, loss.target_qvalue_network_params
    loss.make_value_estimator(gamma=gamma)
    fill(critics)
    fill(targets)
    fill(loss.target_actor_network_params)
    used = td.clone()
    result = loss(used)
    finish(name, td, result)
    out[f"{name}.td_error"] = used["td_error"].detach().reshape(-1, 1)
    remember(name, function, gamma, count)
    record(name, "actor", loss.actor_network_params)
    record(name, "target_actor", loss.target_actor_network_params, grad=False)
    for i in range(count):
        index = i if kind == "td3" else None
        record(name, f"q{i}", critics, index)
        record(name, f"target{i}", targets, index, False)


for number in range(CASES):
    for kind in ON_POLICY:
        on_policy(kind, number)
    sac(number)
    deterministic("ddpg", number)
    deterministic("td3", number)
save("losses_random", out)
