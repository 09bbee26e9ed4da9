"""DuelingMlpDQNet and NoisyLinear of TorchRL: parameters, inputs, the noise, outputs and gradients.

    python tests/golden/dqn_networks.py   writes tests/golden/dqn_networks.safetensors
"""
import torch
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import NoisyLinear
from torchrl.modules.models.models import DuelingMlpDQNet
from common import save, generator

g = generator(17)
out = {}


def randomise(net):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.4)


def dueling(name, cells, streams, actions, value):
    net = DuelingMlpDQNet(
        out_features=actions, out_features_value=value,
        mlp_kwargs_feature=dict(num_cells=cells[:-1], out_features=cells[-1], activation_class=torch.nn.ReLU),
        mlp_kwargs_output=dict(num_cells=streams, depth=None, activation_class=torch.nn.ReLU))
    x = torch.randn(10, 4, generator=g)
    net(x)  # its layers are lazy
    randomise(net)
    y = net(x)
    v = torch.randn(y.shape, generator=g)
    (y * v).sum().backward()
    for k, p in net.named_parameters():
        out[f"{name}.{k}"], out[f"{name}.grad.{k}"] = p, p.grad
    out[f"{name}.input"], out[f"{name}.output"], out[f"{name}.v"] = x, y, v


dueling("plain", [12], [8], 3, 1)
dueling("deep", [12, 10], [8, 6], 2, 1)
dueling("atoms", [12], [8], (5, 3), (5, 1))

layer = NoisyLinear(4, 3)
randomise(layer)
noise_in, noise_out = (layer._scale_noise(n) for n in (4, 3))
layer.weight_epsilon.copy_(noise_out.outer(noise_in))
layer.bias_epsilon.copy_(noise_out)
x = torch.randn(10, 4, generator=g).requires_grad_()
v = torch.randn(10, 3, generator=g)
with set_exploration_type(ExplorationType.RANDOM):
    y = layer(x)
(y * v).sum().backward()
with set_exploration_type(ExplorationType.DETERMINISTIC):
    out["noisy.deterministic"] = layer(x)
for k, p in layer.named_parameters():
    out[f"noisy.{k}"], out[f"noisy.grad.{k}"] = p, p.grad
for k, t in dict(noise_in=noise_in, noise_out=noise_out, input=x, output=y, v=v).items():
    out[f"noisy.{k}"] = t
fresh = NoisyLinear(4, 3)
out["noisy.initial.weight_sigma"], out["noisy.initial.bias_sigma"] = fresh.weight_sigma, fresh.bias_sigma
save("dqn_networks", out)
