"""The truncation panel, and the truncation view."""
