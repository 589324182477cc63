"""The window's panels, one file each. They read the Explorer, and change the Scene through `bind` and named edits."""
