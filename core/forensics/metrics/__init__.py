"""Figures with intervals: of detectors (`detection`), of estimators and the probabilities that they
state (`estimation`, `confidence`), of localizers (`localization`), of calibrated answers
(`calibration`), and what an attack costs the image (`cost`)."""
