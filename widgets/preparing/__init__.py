"""The window that prepares pictures to train with."""
