"""A plugin of the tests with two models that can be trained in a second."""

from forensics import hookimpl
from forensics.models.entries import Entry, ModelEntry, RecipeEntry


@hookimpl
def forensics_attackers():
    return [
        ModelEntry(
            "tiny",
            "forensics_tiny.recipe:Tiny",
            "a filter",
            card="forensics_tiny:weights/tiny",
            parts=("tiny-60", "tiny-80"),
        )
    ]


@hookimpl
def forensics_detectors():
    return [
        ModelEntry(
            "tiny-lda",
            "forensics_tiny.discriminant:Judge",
            "a linear discriminant",
            traces=("jpeg",),
            card="forensics_tiny:weights/tiny-lda",
            parts=("lda",),
        ),
        ModelEntry(
            "tiny-blur",
            "forensics_tiny.classes:Never",
            "blurred or not",
            traces=("gaussian",),
            card="forensics_tiny:weights/tiny-blur",
            parts=("net",),
        ),
    ]


@hookimpl
def forensics_estimators():
    return [
        ModelEntry(
            "tiny-blurs",
            "forensics_tiny.classes:HowFar",
            "how far it was smoothed",
            traces=("gaussian",),
            card="forensics_tiny:weights/tiny-blurs",
            parts=("net-5", "net-3", "trees"),
            bind={"part": "net-5"},
        )
    ]


@hookimpl
def forensics_recipes():
    return [
        Entry("tiny", "forensics_tiny.recipe:Tiny", "trains a filter"),
        Entry("tiny-lda", "forensics_tiny.discriminant:Discriminant", "fits a discriminant"),
        RecipeEntry(
            "tiny-lda-again",
            "forensics_tiny.discriminant:Discriminant",
            "fits it under another name",
            model="tiny-lda",
        ),
        Entry("tiny-blur", "forensics_tiny.classes:Blurred", "the sides of a trace"),
        Entry("tiny-blurs", "forensics_tiny.classes:Smoothed", "the values of a target"),
        RecipeEntry(
            "tiny-blurs-three",
            "forensics_tiny.classes:Smoothed",
            "three of them",
            bind={"count": 3},
            model="tiny-blurs",
        ),
        RecipeEntry(
            "tiny-blurs-trees",
            "forensics_tiny.classes:SmoothedTrees",
            "the same with boosted trees",
            model="tiny-blurs",
        ),
    ]
