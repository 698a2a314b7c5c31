"""The proof of delivery: histories of crashes and faults over the production code, checked."""
