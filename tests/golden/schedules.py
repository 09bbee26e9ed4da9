"""Golden values for schedules: the learning rates that torch.optim.lr_scheduler gives, one of its steps a frame.

    python tests/golden/schedules.py      writes tests/golden/schedules.safetensors
"""
import warnings
import torch
from torch.optim import lr_scheduler as lr
from common import save

FRAMES = 45
BASE = 0.02


def warm(optim, after):
    # LinearLR cannot begin at 0, so its first value is set by hand below
    return lr.SequentialLR(optim, [lr.LinearLR(optim, start_factor=1e-12, total_iters=10), after(optim)], milestones=[10])


CASES = {
    "constant": lambda o: lr.ConstantLR(o, factor=1),
    "linear": lambda o: lr.LinearLR(o, start_factor=1, end_factor=0.25, total_iters=40),
    "step": lambda o: lr.StepLR(o, step_size=7, gamma=0.3),
    "exponential": lambda o: lr.ExponentialLR(o, gamma=0.9),
    "cosine": lambda o: lr.CosineAnnealingLR(o, T_max=40, eta_min=0.001),
    "cosine_short": lambda o: lr.CosineAnnealingLR(o, T_max=9, eta_min=0.005),
    "warm_constant": lambda o: warm(o, lambda w: lr.ConstantLR(w, factor=1)),
    "warm_linear": lambda o: warm(o, lambda w: lr.LinearLR(w, start_factor=1, end_factor=0.25, total_iters=30)),
    "warm_step": lambda o: warm(o, lambda w: lr.StepLR(w, step_size=7, gamma=0.3)),
    "warm_exponential": lambda o: warm(o, lambda w: lr.ExponentialLR(w, gamma=0.9)),
    "warm_cosine": lambda o: warm(o, lambda w: lr.CosineAnnealingLR(w, T_max=30, eta_min=0.001)),
}
warnings.simplefilter("ignore")  # there is no optimiser step between those of the schedulers
out = {}
for case, make in CASES.items():
    optim = torch.optim.SGD([torch.zeros(1)], lr=BASE)
    scheduler = make(optim)
    rates = []
    for frame in range(FRAMES):
        rates.append(0 if frame == 0 and case.startswith("warm") else optim.param_groups[0]["lr"])
        scheduler.step()
    out[case] = torch.tensor(rates, dtype=torch.float64)
save("schedules", out)
