"""Histories: what happens to a photograph between the camera and the examiner."""
