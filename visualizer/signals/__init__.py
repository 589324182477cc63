"""Live signals: what moves a Scene's parameters by itself: LFOs, OSC, MIDI and sound. See `rack.py` for how."""
