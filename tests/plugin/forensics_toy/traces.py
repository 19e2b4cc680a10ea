from forensics.traces import Trace

SLOT_FIRST = Trace(
    "toy-slot",
    "was something done before it became a JPEG?",
    (("pristine", "jpeg({q})"), ("altered", "ATTACK jpeg({q})")),
    (("quick", ((("q", 80),),)),),
    "jpeg",
)
