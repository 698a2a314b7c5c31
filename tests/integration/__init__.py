"""Integration tests: real PostgreSQL and Valkey, passed-in fakes for the outside world."""
