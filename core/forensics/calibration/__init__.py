"""From scores to likelihood ratios: the map, how it is fitted, where it lies, and what it is
applied to.

It stands above the bench: `calibrate` runs the bench on photographs that trained nothing, and a run
is handed `StoredCards`, which apply what was calibrated to its cells. `cards` and `scale` import
neither torch nor scikit-learn.
"""
