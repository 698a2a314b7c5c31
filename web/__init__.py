"""The review queue and reports in the browser."""
