"""One step of every environment from 100,000 random states, beside Gymnasium's: observations, rewards, flags.

    python tests/oracle/steps.py build/tests/oracle/steps [SEED]

States are drawn anew for each seed, unlike those of the golden files. `margin` is how far the state that follows is from
where the episode ends; within a rounding of that either answer is right.
"""
import subprocess
import sys
import gymnasium
import numpy as np

COUNT = 100_000
PI = np.pi


def cartpole_margin(s):
    return min(abs(abs(s[0]) - 2.4), abs(abs(s[2]) - 12 * 2 * PI / 360))


def acrobot_margin(s):
    return abs(-np.cos(s[0]) - np.cos(s[0] + s[1]) - 1) / 10


def car_margin(goal):
    return lambda s: min(abs(s[0] - goal), abs(s[1]) if s[0] >= goal else 1.0)


# type, Gymnasium's name, bounds of the states, bounds of actions or how many there are, the type of Gymnasium's state
ENVS = [
    ("CartPole", "CartPole-v1", [4.8, 4, 0.42, 4], 2, np.float64, cartpole_margin),
    ("Pendulum", "Pendulum-v1", [10, 8], 3.0, np.float64, lambda s: 1.0),
    ("Acrobot", "Acrobot-v1", [PI, PI, 2 * PI, 4.5 * PI], 3, np.float64, acrobot_margin),  # test_classic_control.c: why half
    ("MountainCar", "MountainCar-v0", [(-1.2, 0.6), 0.07], 3, np.float64, car_margin(0.5)),
    ("MountainCarContinuous", "MountainCarContinuous-v0", [(-1.2, 0.6), 0.07], 1.5, np.float32, car_margin(0.45)),
]


def draw(rng, bound, count):
    low, high = bound if isinstance(bound, tuple) else (-bound, bound)
    return rng.uniform(low, high, count).astype(np.float32)


def reference(name, state, action, dtype, margin):
    env = gymnasium.make(name).unwrapped
    env.reset(seed=0)
    rows, known = [], np.zeros(len(state), bool)
    for i, (s, a) in enumerate(zip(state, action)):
        env.state = s.astype(dtype)
        if name == "CartPole-v1":
            env.steps_beyond_terminated = None
        observation, reward, ended, truncated, _ = env.step(a)
        assert not truncated
        rows.append(np.concatenate([observation, [reward, ended]]))
        known[i] = margin(np.asarray(env.state, np.float64)) > 1e-6
    return np.stack(rows), known


def check(program, rng, kind, name, bounds, actions, dtype, margin):
    state = np.stack([draw(rng, b, COUNT) for b in bounds], 1)
    if isinstance(actions, int):
        action = rng.integers(0, actions, COUNT)
        given, taken = action.astype(np.float32), [int(a) for a in action]
    else:  # beyond the bounds, too
        given = draw(rng, actions, COUNT)
        taken = [np.array([a], np.float32) for a in given]
    wanted, known = reference(name, state, taken, dtype, margin)
    answer = subprocess.run([program, kind, str(COUNT)], input=state.tobytes() + given.tobytes(), stdout=subprocess.PIPE,
                            check=True).stdout
    got = np.frombuffer(answer, np.float32).reshape(COUNT, -1).astype(np.float64)
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    off = np.abs(got - wanted) > 1e-5 + 1e-5 * np.abs(wanted)
    off[~known, -2:] = False  # the reward goes with the flag
    worst = np.abs(got - wanted)[:, :-2].max()
    assert (~known).sum() < COUNT / 1000
    assert 0 < wanted[:, -1].sum() < COUNT or kind == "Pendulum"
    assert not off.any(), f"{kind}: {off.any(1).sum()} rows differ, first {np.argwhere(off)[0]}, by up to {worst}"
    print(f"{kind}: {COUNT} steps agree, observations within {worst:.2g}, {int((~known).sum())} at the edge of an end")


generator = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
for settings in ENVS:
    check(sys.argv[1], generator, *settings)
