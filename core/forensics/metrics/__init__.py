"""What scores and images are worth: detectors (`detection`) and the cost of attacks (`cost`)."""
