"""What the golden scripts share. They ran with the versions that each file's metadata names (see README.md here)."""
import importlib.metadata
import pathlib
import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent
PACKAGES = ("torch", "torchrl", "tensordict", "gymnasium", "numpy", "safetensors")

torch.set_num_threads(1)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def save(name, tensors):
    versions = {p: importlib.metadata.version(p) for p in PACKAGES}
    tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors", metadata=versions)
    print(f"{name}.safetensors: {len(tensors)} tensors")
