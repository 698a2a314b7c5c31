"""A real Bluesky network (PLC, PDS, AppView) on loopback for the live tests."""
