"""Reading the outside world for research: crawler and documents."""
