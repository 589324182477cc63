"""What changes from one JSON object to the next: small where little changes, and as readable as what it is of."""

from typing import Any


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields of `after` that differ from `before`: objects field by field, all else whole.

    Both have the same fields, as two Scenes do.
    """
    found: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if value != old:
                # An object with other fields than before (or none, for what was there) is told whole, in a list.
                found[name] = changes(old, value) if value.keys() == old.keys() else [value]
        elif value != old or name not in before:
            found[name] = value
    return found


def changed(before: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """`before` with the changes that `changes` found."""
    after = dict(before)
    for name, value in delta.items():
        old = before.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            after[name] = changed(old, value)
        elif isinstance(old, dict) and isinstance(value, list):
            after[name] = value[0] if value else None
        else:
            after[name] = value
    return after
