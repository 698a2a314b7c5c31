"""Settings, logging and the clock."""
