from forensics import builtin, hookimpl
from forensics.models.entries import Entry, ModelEntry, Needs

TRACES = (*(entry.name for entry in builtin.forensics_traces()), "watch-leak")


@hookimpl
def forensics_detectors():
    return [
        ModelEntry("watch", "forensics_watch.models:Watch", "keeps its input", traces=TRACES),
        ModelEntry("watch-sum", "forensics_watch.models:Sum", "sums its input", traces=TRACES),
    ]


@hookimpl
def forensics_attackers():
    return [
        ModelEntry("watch-pixels", "forensics_watch.models:Pixels", "keeps its input"),
        ModelEntry(
            "watch-jpeg",
            "forensics_watch.models:Coefficients",
            "keeps its input, a JPEG",
            needs=Needs(acts_on="jpeg"),
        ),
    ]


@hookimpl
def forensics_traces():
    return [Entry("watch-leak", "forensics_watch.models:LEAK", "sides that do not end alike")]
