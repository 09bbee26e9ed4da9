"""A folder written by TensorDict.memmap, tests/golden/memmap/, and its tensors and batch shapes in memmap.safetensors."""
import json
import shutil

import torch
from safetensors.torch import save_file
from tensordict import TensorDict

from common import FOLDER, generator

random = generator(5)
inner = TensorDict({"y": torch.randn(2, 3, 4, generator=random), "flag": torch.rand(2, 3, 4, 1, generator=random) < 0.5},
                   (2, 3, 4))
td = TensorDict({
    "observation": torch.randn(2, 3, 4, generator=random),
    "count": torch.randint(-2**40, 2**40, (2, 3), generator=random),
    "next": {"agents": inner, "reward": torch.randn(2, 3, 1, dtype=torch.float64, generator=random), "nothing": {}},
    "pixels": torch.randint(0, 256, (2, 3, 2), dtype=torch.uint8, generator=random),
    "small": torch.randint(-2**31, 2**31, (2, 3), generator=random).to(torch.int32),
    "hollow": torch.zeros(2, 3, 0),
    "a/b c%?": torch.randn(2, 3, generator=random),   # a name that must be escaped in a path
    "flat.key": torch.randn(2, 3, generator=random),  # flatten_keys makes such names; in rlc it is a path
}, (2, 3))
shutil.rmtree(FOLDER / "memmap", ignore_errors=True)
td.memmap(FOLDER / "memmap")

leaves = {key if isinstance(key, str) else ".".join(key): value for key, value in td.items(True, True)}
batches = {".".join(k): list(v.batch_size) for k, v in [(("next",), td["next"]), (("next", "agents"), inner),
                                                        (("next", "nothing"), td["next", "nothing"])]}
save_file({k: v.contiguous() for k, v in leaves.items()}, FOLDER / "memmap.safetensors",
          metadata={"batch_size": json.dumps(list(td.batch_size)), "nested": json.dumps(batches | {"flat": [2, 3]})})
print(f"memmap: {len(leaves)} tensors")
