"""Models: what a plugin implements, how it is registered, found, made and given its weights."""
