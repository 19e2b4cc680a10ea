import torch

from forensics.traces.trace import Target, Trace

SLOT_FIRST = Trace(
    "toy-slot",
    (("pristine", "jpeg({q})"), ("altered", "ATTACK jpeg({q})")),
    (("quick", ((("q", 80),),)),),
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
    (("quick", ((("side", 24),),)), ("paper", ((("side", 24),), (("side", 40),)))),
    "pixels",
    (Target("which", "class", "", none=0, classes=("none", "pasted", "blurred"), derive=_which),),
)
