"""Training: one loop for every model, by a recipe that its plugin registers.

result = training.train("afcnn:quality=60", "photographs/", budget="25m")
"""

from forensics.training.command import Result, train
from forensics.training.loop import Watch
from forensics.training.recipe import Example, Phase, Progress, Recipe

__all__ = ["Example", "Phase", "Progress", "Recipe", "Result", "Watch", "train"]
