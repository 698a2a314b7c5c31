"""One file per platform behind one protocol: capabilities, limits, publish, reconcile, read."""
