"""The language-model roles: domain objects in, domain objects out; no database, no platform."""
