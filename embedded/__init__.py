"""Servers that run without installing anything: PostgreSQL, Valkey and a demonstration model.

Everything here takes folders and options as arguments and imports no other package of the project.
"""
