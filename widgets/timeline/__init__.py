"""The timeline under the picture: a walk as keys, takes and curves."""
