"""How and when it runs: the command line, and Dagster's definitions, jobs, partitions, schedules and resources."""
