"""Repositories: the only place with queries. None can be built without a scope."""
