"""Benchmarks, one make target each."""
