"""A checkpoint of rlc in PyTorch: opened by the safetensors library, loaded into the same network, equal outputs.

    python tests/oracle/checkpoint.py RUN OUTPUTS        RUN: a run's folder; OUTPUTS: build/oracle/outputs
"""
import subprocess
import sys

import torch
from safetensors.torch import load_file

run, outputs = sys.argv[1:]
state = load_file(f"{run}/checkpoint.safetensors")
prefix = "modules.value_net."
net = torch.nn.Sequential(torch.nn.Linear(4, 120), torch.nn.ReLU(), torch.nn.Linear(120, 84), torch.nn.ReLU(),
                          torch.nn.Linear(84, 2))
net.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, strict=True)

observations = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
text = "\n".join(" ".join(f"{x:.9g}" for x in row) for row in observations.tolist())
printed = subprocess.run([outputs, run], input=text, capture_output=True, text=True, check=True).stdout
ours = torch.tensor([[float(x) for x in line.split()] for line in printed.splitlines()])
with torch.no_grad():
    theirs = net(observations)
torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
print(f"checkpoint: {len(state)} tensors opened by safetensors; PyTorch's outputs differ by at most "
      f"{(ours - theirs).abs().max():.2g} on values up to {theirs.abs().max():.3g}")
