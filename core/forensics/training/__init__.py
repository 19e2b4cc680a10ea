"""Training: one loop for every model, by a recipe that its plugin registers.

result = training.train("afcnn:quality=60", "photographs/", budget="25m")
"""

from forensics.traces.draws import LogUniform, Uniform
from forensics.training.augmentation import (
    Augmentation,
    Burnout,
    Contrast,
    Exposure,
    Gamma,
    Orientation,
    Reduction,
)
from forensics.training.camera import Camera
from forensics.training.classifier import ClassifierRecipe, FittedClassifierRecipe
from forensics.training.command import Result, train
from forensics.training.fitting import network_of
from forensics.training.loop import Watch
from forensics.training.recipe import Example, FittedRecipe, NetworkRecipe, Phase, Progress, Recipe
from forensics.training.schedules import warm_cosine
from forensics.training.start import Start

__all__ = [
    "Augmentation",
    "Burnout",
    "Camera",
    "ClassifierRecipe",
    "Contrast",
    "Example",
    "Exposure",
    "FittedClassifierRecipe",
    "FittedRecipe",
    "Gamma",
    "LogUniform",
    "NetworkRecipe",
    "Orientation",
    "Phase",
    "Progress",
    "Recipe",
    "Reduction",
    "Result",
    "Start",
    "Uniform",
    "Watch",
    "network_of",
    "train",
    "warm_cosine",
]
