"""The whole, as people use it: a real JupyterLab in a real Chromium."""
