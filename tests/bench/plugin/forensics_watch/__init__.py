"""A plugin that keeps what it is shown, on every trace of the core."""
