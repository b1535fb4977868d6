"""Measures what the project promises: `python -m benchmarks NAME [--quick | --smoke] [--json FILE]`.

Machines differ and are noisy, so a figure is a ratio against something measured in the same run, or a count.
"""
