"""A module that rlc saved, in PyTorch: loaded strictly under its own names, equal outputs.

    python tests/oracle/state_dict.py FOLDER STATE_DICT        STATE_DICT: build/tests/oracle/state_dict
"""
import subprocess
import sys

import torch
from safetensors.torch import load_file
from torchrl.modules import MLP

folder, program = sys.argv[1:]
weights, outputs = f"{folder}/weights.safetensors", f"{folder}/outputs.safetensors"
subprocess.run([program, weights, outputs], check=True)
net = torch.nn.Sequential(MLP(in_features=4, out_features=16, num_cells=[32], activation_class=torch.nn.ReLU),
                          MLP(in_features=16, out_features=3, num_cells=[8, 8]))
net.load_state_dict(load_file(weights), strict=True)
said = load_file(outputs)
with torch.no_grad():
    q = net(said["observation"])
torch.testing.assert_close(said["q"], q, rtol=1e-6, atol=1e-6)
print(f"state_dict: loaded strictly; PyTorch's outputs differ by at most {(said['q'] - q).abs().max():.2g}")
