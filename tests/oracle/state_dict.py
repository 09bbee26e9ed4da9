"""Modules that rlc saved, in PyTorch: loaded strictly under their own names, equal outputs, equal buffers.

    python tests/oracle/state_dict.py FOLDER STATE_DICT        STATE_DICT: build/tests/oracle/state_dict
"""
import subprocess
import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torchrl.modules import ConvNet, MLP

folder, program = sys.argv[1:]
NETWORKS = {
    "mlp": nn.Sequential(MLP(in_features=4, out_features=16, num_cells=[32], activation_class=nn.ReLU),
                         MLP(in_features=16, out_features=3, num_cells=[8, 8])),
    "atari": nn.Sequential(ConvNet(in_features=4, num_cells=[32, 64, 64], kernel_sizes=[8, 4, 3], strides=[4, 2, 1],
                                   activation_class=nn.ReLU),
                           MLP(in_features=3136, out_features=6, num_cells=[512], activation_class=nn.ReLU)),
    "batch_norm": nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)),
}

for name, net in NETWORKS.items():
    weights, outputs = f"{folder}/{name}.safetensors", f"{folder}/{name}_outputs.safetensors"
    subprocess.run([program, name, weights, outputs], check=True)
    state, said = load_file(weights), load_file(outputs)
    net.load_state_dict(state, strict=True)
    with torch.no_grad():
        q = net.eval()(said["observation"])
    torch.testing.assert_close(said["q"], q, rtol=1e-5, atol=1e-5)
    print(f"state_dict: {name}: loaded strictly; PyTorch's outputs differ by at most {(said['q'] - q).abs().max():.2g}")

# what rlc's statistics are after two batches in training is what PyTorch's are
net = NETWORKS["batch_norm"]
state = load_file(f"{folder}/batch_norm.safetensors")
assert state["1.num_batches_tracked"].item() == 2
net[1].reset_running_stats()
with torch.no_grad():
    for _ in range(2):
        net.train()(said["observation"])
for key, value in net[1].named_buffers():
    torch.testing.assert_close(state[f"1.{key}"], value, rtol=1e-5, atol=1e-6)
print("state_dict: batch_norm: equal statistics after the same batches")
