"""Real workers and clock over an instant world, for crash tests and benchmarks."""
