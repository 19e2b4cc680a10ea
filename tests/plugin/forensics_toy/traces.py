import torch

from forensics.traces.trace import Target, Trace

SLOT_FIRST = Trace(
    "toy-slot",
    (("pristine", "jpeg({q})"), ("altered", "ATTACK jpeg({q})")),
    ((("q", 80),),),
    "jpeg",
)


def _which(side, values):
    return torch.tensor(["pristine", "pasted", "blurred"].index(side))


PASTED = Trace(
    "toy-pasted",
    (
        ("pristine", ""),
        ("pasted", "toy-paste({side}) ATTACK"),
        ("blurred", "gaussian(2) ATTACK"),
    ),
    ((("side", 24),),),
    "pixels",
    (Target("which", "class", "", none=0, classes=("none", "pasted", "blurred"), derive=_which),),
)
