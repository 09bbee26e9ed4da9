"""Golden values for returns and advantages, by TorchRL's step by step functions, in float32 and float64.

    python tests/golden/values.py      writes tests/golden/values.safetensors
"""
import torch
from common import generator, save
from torchrl.objectives.value import functional as f

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
save("values", out)
