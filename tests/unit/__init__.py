"""Unit tests: fakes are passed in, nothing leaves the process."""
