"""Pictures to learn from: where they are read, in which order they come, how they are prepared."""
