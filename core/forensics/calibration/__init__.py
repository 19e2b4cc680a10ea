"""From scores to likelihood ratios: the map, how it is fitted, and where it lies.

Nothing here imports torch or scikit-learn before something is fitted.
"""
