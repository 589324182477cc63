"""The export window: settings, and what is under way."""
