"""Finds and localises resampled regions. No models yet."""
