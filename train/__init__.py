"""Training: data, objectives, the loop and its processes. It knows no window."""
