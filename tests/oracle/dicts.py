"""Dicts that rlc wrote in Python: its folders opened by TensorDict.load_memmap, its files by the safetensors library.

    python tests/oracle/dicts.py FOLDER DICTS        FOLDER: for the files; DICTS: build/tests/oracle/dicts
"""
import subprocess
import sys

import torch
from safetensors.torch import load_file
from tensordict import TensorDict

folder, program = sys.argv[1:]
random = torch.Generator().manual_seed(0)
DTYPES = [torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool]
NAMES = ["observation", "a b", "50%", "x/y", "gr\u00f6\u00dfe", "q?*\"<>|:\\", "tab\there", "%41"]


def sample(batch, depth):
    entries = {}
    for i, name in enumerate(NAMES):
        shape = (*batch, *[(), (2,), (1, 3), (0,)][(i + depth) % 4])
        entries[name] = (torch.rand(shape, generator=random) * 200).to(DTYPES[(i + depth) % len(DTYPES)])
    if depth > 0:
        entries["inner"] = sample((*batch, 2), depth - 1)
        entries["in/ner"] = sample(batch, depth - 1)
        entries["nothing"] = {}
    return TensorDict(entries, batch)


def same(a, b):
    assert a.batch_size == b.batch_size and set(a.keys()) == set(b.keys()), (a, b)
    for key, value in a.items():
        if isinstance(value, TensorDict):
            same(value, b[key])
        else:
            assert value.dtype == b[key].dtype and torch.equal(value, b[key]), key


tensors = 0
for number, batch in enumerate([(), (3,), (2, 3), (0, 2), (1, 1, 4)]):
    td = sample(batch, 2)
    paths = [f"{folder}/python-{number}", f"{folder}/rlc-{number}", f"{folder}/rlc-{number}.safetensors"]
    td.memmap(paths[0])
    subprocess.run([program, *paths], check=True)
    same(td, TensorDict.load_memmap(paths[1]))
    leaves = {key if isinstance(key, str) else ".".join(key): value for key, value in td.items(True, True)}
    loaded = load_file(paths[2])
    assert set(loaded) == set(leaves)
    for name, value in leaves.items():
        assert value.dtype == loaded[name].dtype and torch.equal(value, loaded[name]), name
    tensors += len(leaves)
print(f"dicts: {tensors} tensors in 5 folders and files written by rlc are what tensordict and safetensors load")
