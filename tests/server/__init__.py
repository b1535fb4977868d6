"""The server extension, on real Jupyter servers."""
