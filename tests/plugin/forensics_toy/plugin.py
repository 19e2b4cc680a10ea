from forensics import hookimpl
from forensics.models.entries import Entry, ModelEntry, Needs, TraceEntry

ALL = ("jpeg", "djpeg", "djpeg-shifted")
DOUBLE = ("djpeg", "djpeg-shifted")


# One class that is a detector, an estimator and a localizer.
EVERYTHING = ModelEntry(
    "toy-everything",
    "forensics_toy.asked:Everything",
    "local variance",
    traces=("toy-pasted",),
    needs=Needs(channels=(1,), multiple_of=8),
)


@hookimpl
def forensics_estimators():
    return [
        EVERYTHING,
        ModelEntry(
            "toy-classes",
            "forensics_toy.asked:Grainy",
            "classes by grain",
            traces=("toy-pasted",),
            needs=Needs(channels=(1,)),
        ),
        ModelEntry(
            "toy-quality",
            "forensics_toy.asked:Quality",
            "one of three qualities",
            traces=("jpeg",),
            needs=Needs(channels=(1,), multiple_of=8),
        ),
        ModelEntry(
            "toy-table",
            "forensics_toy.asked:Table",
            "the last table",
            traces=("q1", "q1-aligned", "toy-slot"),
            needs=Needs(jpeg=True),
        ),
    ]


@hookimpl
def forensics_localizers():
    sliding = "forensics.models.sliding:SlidingLocalizer"
    return [
        EVERYTHING,
        ModelEntry(
            "toy-grain-map",
            sliding,
            "where is it grainy?",
            traces=("splice-noise",),
            needs=Needs(smallest=64),
            bind={"detector": "toy-grain"},
        ),
    ]


@hookimpl
def forensics_operations():
    return [Entry("toy-paste", "forensics_toy.asked:Paste", "noise in a square: toy-paste(side)")]


@hookimpl
def forensics_detectors():
    return [
        EVERYTHING,
        ModelEntry("toy-grain", "forensics_toy.models:Grain", "mean gradient", traces=ALL),
        ModelEntry("toy-raises", "forensics_toy.models:Raises", "raises", traces=("jpeg",)),
        ModelEntry(
            "toy-zeros",
            "forensics_toy.models:Zeros",
            "zeros among the coefficients",
            traces=DOUBLE,
            needs=Needs(jpeg=True),
        ),
        ModelEntry(
            "toy-narrow",
            "forensics_toy.models:Grain",
            "some points only",
            traces=("djpeg[q2=70..80]",),
        ),
        ModelEntry("toy-writes", "forensics_toy.models:Writes", "writes", traces=ALL),
        ModelEntry("toy-logs", "forensics_toy.models:Logs", "logs its input", traces=ALL),
        ModelEntry("toy-dies", "forensics_toy.models:Dies", "dies", traces=("jpeg",)),
        ModelEntry("toy-keeps", "forensics_toy.models:Keeps", "keeps its input", traces=ALL),
        ModelEntry("toy-picky", "forensics_toy.models:Picky", "answers at times", traces=ALL),
        ModelEntry("toy-cramped", "forensics_toy.models:Cramped", "little memory", traces=ALL),
        ModelEntry("toy-slow", "forensics_toy.models:Grain", "slow", traces=ALL, seconds=0.51),
        ModelEntry("toy-first", "forensics_toy.models:Grain", "for toy-slot", traces=("toy-slot",)),
        ModelEntry(
            "toy-rival",
            "forensics_toy.models:Grain",
            "to compare with",
            traces=("toy-slot",),
            baseline=True,
        ),
        ModelEntry(
            "toy-trained",
            "forensics_toy.models:Trained",
            "has to be trained",
            traces=ALL,
            card="forensics_toy:weights",
            parts=("toy-trained",),
        ),
    ]


@hookimpl
def forensics_attackers():
    return [
        ModelEntry("toy-median", "forensics_toy.models:Median", "3 x 3 median"),
        ModelEntry(
            "toy-jpeg-only",
            "forensics_toy.models:JpegOnly",
            "wants a JPEG",
            needs=Needs(acts_on="jpeg"),
        ),
        ModelEntry("toy-cramped-median", "forensics_toy.models:CrampedMedian", "little memory"),
        ModelEntry("toy-writing", "forensics_toy.models:WritingAttacker", "writes"),
    ]


@hookimpl
def forensics_traces():
    return [
        Entry("toy-slot", "forensics_toy.traces:SLOT_FIRST", "a slot where there is no JPEG"),
        TraceEntry("toy-pasted", "forensics_toy.traces:PASTED", "many sides, some with a mask"),
    ]
