"""A network saved by PyTorch under its own names, with inputs and the outputs it gives for them.

    python tests/golden/mlp.py        writes tests/golden/mlp.safetensors
"""
import torch
from torchrl.modules import MLP
from common import save, generator

g = generator(9)
out = {}
for name, settings in {
    "dqn": dict(in_features=4, out_features=2, num_cells=[120, 84], activation_class=torch.nn.ReLU),
    "tanh": dict(in_features=3, out_features=1, num_cells=[64, 64]),
    "depth": dict(in_features=5, out_features=4, depth=2),
    "linear": dict(in_features=6, out_features=3, num_cells=[]),
    "activated": dict(in_features=6, out_features=3, num_cells=[8], activate_last_layer=True),
}.items():
    net = MLP(**settings)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.3)
    x = torch.randn(10, settings["in_features"], generator=g)
    out.update({f"{name}.{k}": v for k, v in net.state_dict().items()})
    out[f"{name}.input"], out[f"{name}.output"] = x, net(x)
save("mlp", out)
