"""Golden values for returns and advantages, by TorchRL's step by step functions, in float32 and float64.

    python tests/golden/values.py      writes tests/golden/values.safetensors
"""
import torch
from common import generator, save
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.objectives.value import GAE, TD0Estimator, TD1Estimator, TDLambdaEstimator, functional as f

g = generator(11)
out = {}

# batch, steps, flags, gamma, lambda
CASES = [
    ((), 12, "random", 0.99, 0.95),
    ((1,), 12, "random", 0.99, 0.95),
    ((5,), 7, "random", 0.99, 0.95),
    ((16,), 9, "random", 0.9, 0.8),
    ((23,), 16, "random", 0.97, 0.9),
    ((2, 3), 8, "random", 0.99, 0.95),
    ((4,), 100, "sparse", 0.99, 0.95),
    ((4,), 10, "none", 0.99, 0.95),
    ((4,), 10, "all truncated", 0.99, 0.95),
    ((4,), 10, "all terminated", 0.99, 0.95),
    ((4,), 10, "last truncated", 0.99, 0.95),
    ((4,), 10, "last terminated", 0.99, 0.95),
    ((4,), 10, "first truncated", 0.99, 0.95),
    ((4,), 10, "first terminated", 0.99, 0.95),
    ((4,), 10, "truncated", 0.99, 0.95),
    ((4,), 10, "terminated", 0.99, 0.95),
    ((3,), 1, "none", 0.99, 0.95),
    ((3,), 1, "all truncated", 0.99, 0.95),
    ((3,), 1, "all terminated", 0.99, 0.95),
    ((), 1, "random", 0.99, 0.95),
    ((6,), 10, "random", 0.0, 0.95),
    ((6,), 10, "random", 0.99, 0.0),
    ((6,), 10, "random", 0.0, 0.0),
    ((6,), 10, "random", 0.99, 1.0),
    ((6,), 10, "random", 1.0, 0.95),
    ((6,), 10, "random", 1.0, 1.0),
    ((6,), 10, "none", 1.0, 1.0),
    ((33,), 20, "sparse", 0.995, 0.97),
]


def flags(kind, shape):
    """done and terminated; an end is one or the other at random where the kind does not say which."""
    chance = {"sparse": 0.03, "none": 0.0, "all": 1.0, "last": 0.0, "first": 0.0}.get(kind.split()[0], 0.3)
    done = torch.rand(shape, generator=g) < chance
    terminated = done & (torch.rand(shape, generator=g) < 0.5)
    for word, place in (("last", -1), ("first", 0)):
        if word in kind:
            done[..., place, :] = True
    if "truncated" in kind:
        terminated = torch.zeros_like(done)
    if "terminated" in kind:
        terminated = done.clone()
    return done, terminated


def near(a, b):
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)  # convolutions drop terms below 1e-7


for i, (batch, steps, kind, gamma, lmbda) in enumerate(CASES):
    shape = (*batch, steps, 1)
    done, terminated = flags(kind, shape)
    drawn = {n: torch.randn(shape, generator=g, dtype=torch.float64) for n in ("reward", "value", "next_value")}
    log_pi, log_mu = (-torch.rand(shape, generator=g, dtype=torch.float64) * 2 for _ in range(2))
    rho, c = ((1.0, 1.0), (1.5, 0.7), (0.5, 2.0))[i % 3]
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)  # the type that TorchRL rounds gamma to
        name = f"{'f32' if dtype is torch.float32 else 'f64'}.{i}"
        r, v, nv = (drawn[n].to(dtype) for n in ("reward", "value", "next_value"))
        pi, mu = log_pi.to(dtype), log_mu.to(dtype)
        out[f"{name}.settings"] = torch.tensor([gamma, lmbda, rho, c], dtype=torch.float64)
        out |= {f"{name}.reward": r, f"{name}.value": v, f"{name}.next_value": nv, f"{name}.log_pi": pi,
                f"{name}.log_mu": mu, f"{name}.done": done, f"{name}.terminated": terminated}
        td_lambda = f.td_lambda_return_estimate(gamma, lmbda, nv, r, done, terminated)
        td1 = f.td1_return_estimate(gamma, nv, r, done, terminated)
        advantage, target = f.generalized_advantage_estimate(gamma, lmbda, v, nv, r, done, terminated)
        # Of the rewards to go, a return after which nothing comes is the plain definition.
        to_go = f.td1_return_estimate(gamma, torch.zeros_like(r), r, done, done)
        if gamma * lmbda > 0:  # the vectorised functions fail at 0
            near(f.reward2go(r, done, gamma), to_go)
            near(f.vec_td_lambda_return_estimate(gamma, lmbda, nv, r, done, terminated), td_lambda)
            near(f.vec_generalized_advantage_estimate(gamma, lmbda, v, nv, r, done, terminated)[0], advantage)
        traced, traced_target = f.vtrace_advantage_estimate(gamma, pi, mu, v, nv, r, done, terminated, rho, c)
        out |= {f"{name}.td0": f.td0_return_estimate(gamma, nv, r, terminated), f"{name}.td1": td1,
                f"{name}.td_lambda": td_lambda, f"{name}.reward_to_go": to_go, f"{name}.gae": advantage,
                f"{name}.gae_target": target, f"{name}.vtrace": traced, f"{name}.vtrace_target": traced_target}
# The modules, with a linear value network on the observations of trajectories without gaps.
torch.set_default_dtype(torch.float32)
done, terminated = flags("random", (6, 11, 1))
states = torch.randn(6, 12, 4, generator=g)
ends = torch.randn(6, 11, 4, generator=g)
batch = {"observation": states[:, :-1], "next.observation": torch.where(done, ends, states[:, 1:]),
         "next.reward": torch.randn(6, 11, 1, generator=g) * 2 + 1, "next.done": done, "next.terminated": terminated}
net = torch.nn.Linear(4, 1)
with torch.no_grad():
    net.weight.copy_(torch.randn(1, 4, generator=g))
    net.bias.copy_(torch.randn(1, generator=g))
out |= {f"module.{k}": v for k, v in batch.items()} | {"module.weight": net.weight, "module.bias": net.bias}
critic = TensorDictModule(net, in_keys=["observation"], out_keys=["state_value"])
for name, estimator in {
    "td0": TD0Estimator(gamma=0.9, value_network=critic),
    "td0_average": TD0Estimator(gamma=0.9, value_network=critic, average_rewards=True),
    "td1": TD1Estimator(gamma=0.9, value_network=critic),
    "td1_average": TD1Estimator(gamma=0.9, value_network=critic, average_rewards=True),
    "td_lambda": TDLambdaEstimator(gamma=0.9, lmbda=0.8, value_network=critic, vectorized=False),
    "td_lambda_average": TDLambdaEstimator(gamma=0.9, lmbda=0.8, value_network=critic, vectorized=False,
                                           average_rewards=True),
    "gae": GAE(gamma=0.9, lmbda=0.8, value_network=critic, vectorized=False),
    "gae_average": GAE(gamma=0.9, lmbda=0.8, value_network=critic, vectorized=False, average_gae=True),
}.items():
    td = TensorDict({tuple(k.split(".")): v for k, v in batch.items()}, batch_size=(6, 11))
    td.refine_names(None, "time")
    with torch.no_grad():
        td = estimator(td)
    for key in ("advantage", "value_target", "state_value", ("next", "reward")):
        out[f"module.{name}.{key if isinstance(key, str) else '.'.join(key)}"] = td[key]
save("values", out)
