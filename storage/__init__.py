"""Tables, repositories, migrations, unit of work."""
