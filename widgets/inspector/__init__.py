"""The layers view: what each layer gives, and handles on it."""
