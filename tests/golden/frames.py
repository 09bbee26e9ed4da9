"""Golden pictures: what Gymnasium draws of 20 states of each environment.

    python tests/golden/frames.py   writes tests/golden/frames.safetensors (the states) and frames_NAME.png, side by side

Needs pygame. Of the pendulum, the third number of a state is the torque of the step that led to it.
"""
import os

os.environ["SDL_VIDEODRIVER"] = "dummy"
import gymnasium
import numpy as np
import torch
from PIL import Image
from common import FOLDER, save

COUNT = 20
ENVS = {
    "CartPole": ("CartPole-v1", [(-2.4, 2.4), (-2, 2), (-0.3, 0.3), (-2, 2)]),
    "Pendulum": ("Pendulum-v1", [(-np.pi, np.pi), (-8, 8), (-2, 2)]),
    "Acrobot": ("Acrobot-v1", [(-np.pi, np.pi), (-np.pi, np.pi), (-4, 4), (-9, 9)]),
    "MountainCar": ("MountainCar-v0", [(-1.2, 0.6), (-0.07, 0.07)]),
    "MountainCarContinuous": ("MountainCarContinuous-v0", [(-1.2, 0.6), (-0.07, 0.07)]),
}


def draw(env, state):
    if env.spec.id == "Pendulum-v1":
        env.state, env.last_u = np.float64(state[:2]), float(state[2])
    else:
        env.state = np.float64(state)
    return env.render()


def states_of(bounds, seed):
    low, high = np.array(bounds).T
    states = np.random.default_rng(seed).uniform(low, high, (COUNT, len(bounds))).astype(np.float32)
    states[0] = 0  # upright, hanging, at the bottom; no torque, as after a reset
    return states


states = {}
for seed, (name, (spec, bounds)) in enumerate(ENVS.items()):
    env = gymnasium.make(spec, render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    states[name] = torch.from_numpy(states_of(bounds, seed))
    # a line of pixels repeats from picture to picture, near enough for deflate to see it
    frames = np.concatenate([draw(env, state) for state in states[name].numpy()], axis=1)
    path = FOLDER / f"frames_{name}.png"
    Image.fromarray(frames).save(path, optimize=True)
    print(path.name, frames.shape, path.stat().st_size)
save("frames", states)
