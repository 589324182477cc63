"""The training view, and the strip of snapshots under the picture."""
