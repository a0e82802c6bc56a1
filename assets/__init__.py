"""What is materialised: thin Dagster assets and checks, one module a stage. What they do is maalopfyldelse.work's."""
