"""Faults on purpose: a hub and its model's worker are killed, and connections cut, while members talk.

`python -m tests.chaos --seed N` runs it; at the end what members know is compared with the log in the file.
"""
