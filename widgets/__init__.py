"""The window's panels, a file or a folder each.

They read the Explorer, and change the Scene through `bind` and named edits.
"""
