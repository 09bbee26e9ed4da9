"""Golden values for gSDEModule: what TorchRL's gives for given noise and parameters, how a Gaussian scores an action by
its loc and scale, and the gradients of that.

    python tests/golden/gsde.py      writes tests/golden/gsde.safetensors
"""
import torch
from common import generator, save
from torch.distributions.transforms import AffineTransform, ComposeTransform, TanhTransform
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import IndependentNormal, TanhNormal
from torchrl.modules.models.exploration import gSDEModule

STATES, ACTIONS = 4, 2
g = generator(75)
out = {}


def normal(*shape):
    return torch.randn(shape, generator=g)


# batch, how log_sigma is spread, size of states, the transform, whether it explores
CASES = [((n,), 0.5, 1.0, transform, explores) for n in (1, 2, 5, 16) for transform in ("none", "tanh")
         for explores in (True, False)]
CASES += [((), 0.5, 1.0, "none", True), ((3, 4), 0.5, 1.0, "tanh", True), ((5,), 8.0, 1.0, "none", True),
          ((5,), 8.0, 1.0, "tanh", True), ((5,), 0.5, 0.0, "none", True), ((5,), 0.5, 1e-3, "none", True),
          ((5,), 0.5, 5.0, "tanh", True), ((40,), 1.0, 2.0, "none", True)]

for i, (batch, spread, size, transform, explores) in enumerate(CASES):
    maps = {"none": None, "tanh": ComposeTransform([TanhTransform(), AffineTransform(0.0, 2.0)])}
    module = gSDEModule(ACTIONS, STATES, transform=maps[transform])
    with torch.no_grad():
        module.log_sigma.copy_(normal(ACTIONS, STATES) * spread)  # the largest and smallest are cut off
    mu, state = (normal(*batch, ACTIONS) * 0.5).requires_grad_(), (normal(*batch, STATES) * size).requires_grad_()
    eps = normal(*batch, ACTIONS, STATES)
    kind = ExplorationType.RANDOM if explores else ExplorationType.DETERMINISTIC
    with set_exploration_type(kind):
        loc, scale, action, same = module(mu, state, eps)
    assert same is eps
    if transform == "tanh":
        d = TanhNormal(loc, scale, low=-2.0, high=2.0)
        scored = torch.tanh(normal(*batch, ACTIONS)) * 1.9
    else:
        d = IndependentNormal(loc, scale)
        scored = normal(*batch, ACTIONS)
    log_prob = d.log_prob(scored)
    (log_prob.sum() * 0.1 + (action * torch.arange(1, ACTIONS + 1)).sum()).backward()
    name = f"{transform}.{'random' if explores else 'deterministic'}.{i}"
    out |= {f"{name}.mu": mu, f"{name}.state": state, f"{name}.eps": eps, f"{name}.log_sigma": module.log_sigma,
            f"{name}.scored": scored, f"{name}.loc": loc, f"{name}.scale": scale, f"{name}.action": action,
            f"{name}.log_prob": log_prob, f"{name}.grad.mu": mu.grad, f"{name}.grad.state": state.grad,
            f"{name}.grad.log_sigma": module.log_sigma.grad}
save("gsde", out)
