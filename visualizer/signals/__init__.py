"""Live signals: what moves a Scene's parameters by itself: LFOs, OSC, MIDI and sound. See `rack.py` for how."""

import sys

INSTALL = f"type `{sys.executable} -m pip install -r requirements-live.txt`"  # what MIDI and sound devices need
