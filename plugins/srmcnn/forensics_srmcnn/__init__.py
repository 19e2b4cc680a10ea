"""Residual-based local descriptors recast as a convolutional network. No models yet."""
