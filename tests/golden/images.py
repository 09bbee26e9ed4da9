"""Golden values for transforms of pictures: TorchRL's, OpenCV's and Pillow's, called on small pictures.

    python tests/golden/images.py   writes tests/golden/images.safetensors; needs opencv-python-headless and pillow

Resized pictures are named WAY.SIZE.TYPE, after whose they are: area, linear, cubic, nearest are OpenCV's, pil_bilinear
and pil_bicubic Pillow's, torch_bilinear and torch_bicubic those of torch.nn.functional.interpolate with antialias.
"""
import warnings

import cv2
import numpy as np
import torch
from common import generator, save
from PIL import Image
from tensordict import TensorDict
from torchrl.envs.transforms import CatFrames, ToTensorImage

warnings.simplefilter("ignore")
g = generator(31)
out = {}
N, H, W, C = 2, 23, 31, 3
# smooth shapes with some noise on them, as pictures are
y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
smooth = torch.stack([128 + 100 * torch.sin(x / 5.0 + k) * torch.cos(y / 4.0 - k) for k in range(N * C)])
pixels = (smooth + 20 * torch.randn(N * C, H, W, generator=g)).clamp(0, 255).to(torch.uint8)
pixels = pixels.reshape(N, C, H, W).permute(0, 2, 3, 1).contiguous()
out["pixels"] = pixels
call = lambda t: t._call(TensorDict({"pixels": pixels.clone()}, [N]))["pixels"]
out["to_tensor"] = call(ToTensorImage())
out["to_tensor.bytes"] = call(ToTensorImage(from_int=False, dtype=torch.uint8))
out["to_tensor.tolerant"] = ToTensorImage(shape_tolerant=True)._apply_transform(pixels[..., :2])

chw = out["to_tensor.bytes"]
# torchvision's rgb_to_grayscale, which TorchRL's GrayScale calls
gray = lambda i: (0.2989 * i[:, 0] + 0.587 * i[:, 1] + 0.114 * i[:, 2]).to(i.dtype).unsqueeze(1)
out["gray"], out["gray.bytes"] = gray(out["to_tensor"]), gray(chw)


def planes(f, image):
    """f, of one channel [H, W], on all of them."""
    return torch.stack([torch.stack([torch.from_numpy(np.asarray(f(p.numpy()))) for p in row]) for row in image])


CV = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}
PIL = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
for size, (w, h) in {"small": (11, 9), "half": (31, 12), "large": (34, 26)}.items():
    for kind, image in {"floats": out["to_tensor"], "bytes": chw}.items():
        for name, way in CV.items():
            if name != "area" or size != "large":
                out[f"{name}.{size}.{kind}"] = planes(lambda p: cv2.resize(p, (w, h), interpolation=way), image)
        for name, way in PIL.items():
            mode = "F" if kind == "floats" else "L"
            out[f"pil_{name}.{size}.{kind}"] = planes(lambda p: Image.fromarray(p, mode).resize((w, h), way), image)
    for name in PIL:
        out[f"torch_{name}.{size}.floats"] = torch.nn.functional.interpolate(out["to_tensor"], (h, w), mode=name,
                                                                             antialias=True)


def center(image, w, h):
    top, left = int(round((H - h) / 2.0)), int(round((W - w) / 2.0))  # as torchvision's center_crop
    return image[..., top:top + h, left:left + w]


out["center.8x10"], out["center.7x20"] = center(chw, 8, 10), center(chw, 7, 20)

# PyTorch's DQN tutorial, get_screen: a picture of 40 x 100 pixels and where the cart is
screen = torch.randint(0, 256, (6, 3, 40, 100), generator=g, dtype=torch.uint8)
cart = torch.tensor([0.0, -2.3, 2.39, -1.0, 0.9, 0.011])
parts = []
for image, position in zip(screen, cart.tolist()):
    height, width = image.shape[1:]
    image = image[:, int(height * 0.4):int(height * 0.8)]
    view = int(width * 0.6)
    location = int(position * (width / 4.8) + width / 2.0)
    if location < view // 2:
        part = slice(view)
    elif location > width - view // 2:
        part = slice(-view, None)
    else:
        part = slice(location - view // 2, location + view // 2)
    parts.append(image[:, :, part])
out.update({"cart.screen": screen, "cart.x": cart, "cart": torch.stack(parts)})

# CatFrames over steps, some of which end an episode of some rows
STEPS, ROWS = 12, 3
frames = torch.randint(0, 256, (STEPS + 1, ROWS, 2, 1, 3), generator=g, dtype=torch.uint8)
starts = torch.randint(0, 256, (STEPS + 1, ROWS, 2, 1, 3), generator=g, dtype=torch.uint8)
ends = torch.rand(STEPS + 1, ROWS, generator=g) < 0.3
ends[0], ends[3], ends[4] = False, True, True
out.update({"frames": frames, "starts": starts, "ends": ends})
PADDING = {"same": dict(N=4, dim=-3), "constant": dict(N=3, dim=-1, padding="constant", padding_value=7)}
for name, options in PADDING.items():
    t = CatFrames(in_keys=["pixels"], out_keys=["stack"], **options)
    seen = lambda x, reset=None: t._call(TensorDict({"pixels": x.clone()}, [ROWS]), _reset=reset)["stack"].to(torch.uint8)
    started = [seen(starts[0], torch.ones(ROWS, dtype=torch.bool))]
    stepped = started[:]
    for i in range(1, STEPS + 1):
        stepped.append(seen(frames[i]))
        first = torch.where(ends[i].view(-1, 1, 1, 1), starts[i], frames[i])
        started.append(seen(first, ends[i]) if ends[i].any() else stepped[-1])
    out.update({f"cat.{name}.stepped": torch.stack(stepped), f"cat.{name}.started": torch.stack(started)})
save("images", out)
