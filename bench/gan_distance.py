"""How near a GAN's frames come to the data: the Frechet distance of pixels, |m - m'|^2 + tr(C + C' - 2 (C C')^1/2), the means and
covariances being those of flattened frames (Dowson and Landau, "The Frechet distance between multivariate normal distributions",
1982; Heusel et al., NeurIPS 2017, take features of a network in place of pixels).

    python bench/gan_distance.py runs/gan/seed-1 [--frames 2000]

The held-out frames are rendered by Gymnasium under random actions, cut and shrunk as recipes/gan.yaml does; beside the generator
stand other held-out frames (the least that can be expected), a generator that learned nothing, and the mean frame with
independent noise of each pixel's deviation.
"""
import argparse
import pathlib

import cv2
import gymnasium
import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import BatchNorm1d, LeakyReLU, Linear, Sequential, Sigmoid

GREY = np.array([0.2989, 0.587, 0.114], dtype=np.float32)


def frames(count, seed):
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=seed)
    env.action_space.seed(seed)
    out = []
    while len(out) < count:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        picture = env.render()[80:320, 180:420].astype(np.float32) @ GREY / 255
        out.append(cv2.resize(picture, (28, 28), interpolation=cv2.INTER_AREA).ravel())
        if terminated or truncated:
            env.reset()
    return np.stack(out).astype(np.float64)


def generator():
    return Sequential(Linear(100, 256), LeakyReLU(0.2), Linear(256, 512), BatchNorm1d(512), LeakyReLU(0.2), Linear(512, 1024),
                      BatchNorm1d(1024), LeakyReLU(0.2), Linear(1024, 784), Sigmoid()).eval()


def make(network, count):
    with torch.no_grad():
        return network(torch.randn(count, 100, generator=torch.Generator().manual_seed(0))).double().numpy()


def root(c):
    values, vectors = np.linalg.eigh(c)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def distance(x, y):
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    half = root(cx)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(half @ cy @ half), 0, None)).sum()
    return np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(cx) + np.trace(cy) - 2 * cross


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=2000)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    held_out, others = frames(options.frames, 1001), frames(options.frames, 2002)
    untrained, trained = generator(), generator()
    prefix = "loss.generator."
    trained.load_state_dict({k[len(prefix):]: v for k, v in load_file(options.run / "checkpoint.safetensors").items()
                             if k.startswith(prefix)})
    noise = np.random.default_rng(0).standard_normal(held_out.shape)
    rows = {"other held-out frames": others, "generator": make(trained, options.frames),
            "generator, untrained": make(untrained, options.frames),
            "mean frame and noise": others.mean(0) + others.std(0) * noise}
    for name, x in rows.items():
        print(f"{name:24} {distance(held_out, x):10.4f}")


if __name__ == "__main__":
    main()
