"""Tests: one file per module of the package, and `browser/` for the whole with a real JupyterLab and Chromium."""
