"""Estimates the primary quantisation matrix of a double JPEG. No models yet."""
