"""The grid view: people mixed into people."""
