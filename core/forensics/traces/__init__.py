"""Traces: choices between histories, and what a model is shown of them."""
