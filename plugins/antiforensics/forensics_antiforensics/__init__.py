"""JPEG anti-forensics: attackers that hide a JPEG compression, and the detectors of one."""
