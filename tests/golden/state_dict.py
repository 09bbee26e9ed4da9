"""Networks saved by PyTorch as its users save them: a file of weights alone, opened by name, beside inputs and outputs.

    python tests/golden/state_dict.py        writes tests/golden/state_dict*.safetensors

Each file but the last is `save_file(net.state_dict(), ...)`; state_dict.safetensors has inputs and outputs.
"""
import torch
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.modules import MLP, QValueModule
from common import save, generator

g = generator(21)


def mlp():
    net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 8), torch.nn.ReLU(),
                              torch.nn.Linear(8, 2))
    return drawn(net)


def drawn(net):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.3)
    return net


x = torch.randn(10, 4, generator=g)
out = {"input": x}

net = mlp()
save("state_dict_mlp", net.state_dict())
out["mlp"] = net(x)

# half the bits: what counts is the outputs of the values that were kept
for name, dtype in {"f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}.items():
    net = mlp()
    if dtype == torch.float64:
        net = net.double()
        drawn(net)
    kept = {k: v.to(dtype) for k, v in net.state_dict().items()}
    save(f"state_dict_{name}", kept)
    net = net.float()
    net.load_state_dict(kept)  # copy_ converts
    out[name] = net(x)

# values at the ends of float16 and bfloat16, and what torch makes of them
edges = torch.tensor([0, -0.0, 1, -2.5, 65504, 6.1035e-5, 5.9605e-8, 3.0518e-5, 1.0009765625, float("inf"), -float("inf")])
save("state_dict_edges", {"f16": edges.half(), "bf16": edges.bfloat16(), "nan": torch.tensor([float("nan")]).half(),
                          "f16_is": edges.half().float(), "bf16_is": edges.bfloat16().float()})

# what TorchRL's users train: a TensorDictSequential, whose names have "module." in them
policy = TensorDictSequential(
    TensorDictModule(drawn(MLP(in_features=4, out_features=2, num_cells=[16], activation_class=torch.nn.ReLU)),
                     in_keys=["observation"], out_keys=["action_value"]),
    QValueModule(action_space="one-hot"))
save("state_dict_torchrl", policy.state_dict())
out["torchrl"] = policy[0].module(x)

# Mnih et al.'s network for Atari (2015) with few channels: its kernels and strides, its picture, its names
images = torch.randint(0, 256, (2, 4, 84, 84), generator=g, dtype=torch.uint8)
atari = torch.nn.Sequential(
    torch.nn.Conv2d(4, 4, 8, stride=4), torch.nn.ReLU(), torch.nn.Conv2d(4, 8, 4, stride=2), torch.nn.ReLU(),
    torch.nn.Conv2d(8, 8, 3, stride=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 7 * 7, 16),
    torch.nn.ReLU(), torch.nn.Linear(16, 6))
save("state_dict_atari", drawn(atari).state_dict())
# in double precision: outputs of 34 and .6 come of the same sums, and which float32 rounds .6 to depends on their order
out["images"], out["atari"] = images, atari.double()(images.double() / 255).float()

# buffers beside parameters, after three batches
norm = drawn(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2)))
for _ in range(3):
    norm(torch.randn(16, 4, generator=g) * 2 + 1)
save("state_dict_batch_norm", norm.state_dict())
out["batch_norm"] = norm.eval()(x)

save("state_dict", out)
