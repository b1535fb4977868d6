"""Backplanes: one contract for all."""
