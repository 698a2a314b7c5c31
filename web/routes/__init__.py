"""Thin routes, one file per topic: open a unit of work, call a workflow, redirect."""
