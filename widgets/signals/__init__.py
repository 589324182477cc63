"""The signals panel, and what it puts on other panels' controls."""
