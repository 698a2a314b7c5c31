"""RQ: thin jobs that take ids, the queues, the clock."""
