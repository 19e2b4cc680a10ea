"""Estimates manipulation parameters, one network for several operations. No models yet."""
