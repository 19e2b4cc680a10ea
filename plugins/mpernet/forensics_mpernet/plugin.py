"""What this plugin registers. Nothing here imports torch."""
