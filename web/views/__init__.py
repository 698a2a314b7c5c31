"""What pages show, gathered from one unit of work; nothing here changes anything."""
