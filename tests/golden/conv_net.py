"""Modules for images of PyTorch and TorchRL: parameters, inputs, outputs and gradients.

    python tests/golden/conv_net.py   writes tests/golden/conv_net.safetensors
"""
import torch
from torchrl.modules import ConvNet, DuelingCnnDQNet
from common import save, generator

g = generator(43)
out = {}


def case(name, net, *shape):
    x = torch.randn(shape, generator=g)
    net(x)  # some layers are lazy
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * (p[0].numel() ** -0.5 if p.ndim > 1 else 0.3))
    y = net(x)
    v = torch.randn(y.shape, generator=g) / (y.numel() ** 0.5)
    if any(True for _ in net.parameters()):
        (y * v).sum().backward()
    for k, p in net.named_parameters():
        out[f"{name}.{k}"], out[f"{name}.grad.{k}"] = p, p.grad
    out[f"{name}.input"], out[f"{name}.output"], out[f"{name}.v"] = x, y, v


case("conv", torch.nn.Conv2d(3, 6, (3, 2), stride=2, padding=(1, 0), dilation=(1, 2), groups=3), 5, 3, 9, 8)
case("transposed", torch.nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1, bias=False), 5, 3, 4, 5)
case("max", torch.nn.MaxPool2d(3, stride=2, padding=1), 5, 2, 7, 8)
case("avg", torch.nn.AvgPool2d((2, 3), count_include_pad=False, padding=1), 5, 2, 7, 8)
case("adaptive", torch.nn.AdaptiveAvgPool2d((2, 3)), 5, 2, 7, 8)
case("flatten", torch.nn.Flatten(), 5, 2, 3, 4)
case("standard", ConvNet(in_features=3), 5, 3, 9, 10)
case("atari", ConvNet(num_cells=[8, 12, 12], kernel_sizes=[8, 4, 3], strides=[4, 2, 1], activation_class=torch.nn.ReLU),
     5, 4, 44, 36)
case("depth", ConvNet(depth=2, num_cells=5, kernel_sizes=[4, 3], strides=2, paddings=1, activation_class=torch.nn.Tanh), 5, 2, 11, 12)
case("dueling", DuelingCnnDQNet(3, cnn_kwargs=dict(num_cells=[6, 7], kernel_sizes=[3, 2], strides=[2, 1]),
                                mlp_kwargs=dict(num_cells=9)), 5, 2, 8, 9)
case("deep", DuelingCnnDQNet(2, cnn_kwargs=dict(num_cells=[4], kernel_sizes=[3], strides=[1],
                                                activation_class=torch.nn.ReLU),
                             mlp_kwargs=dict(depth=2, num_cells=[8, 6], activation_class=torch.nn.Tanh)), 5, 2, 5, 4)

save("conv_net", out)
