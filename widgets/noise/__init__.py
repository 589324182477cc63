"""The noise panel, and the noise view."""
