"""Unit tests of the embedded servers and models."""
