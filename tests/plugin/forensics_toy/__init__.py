"""A plugin for the tests, found through a real entry point when its folder is on the path."""
