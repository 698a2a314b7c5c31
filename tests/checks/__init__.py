"""Checks that `make lint` runs and that are no tests of behaviour."""
