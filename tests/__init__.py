"""StyleScope's tests. A package with a file of its own, for one of the libraries installs another "tests"."""
