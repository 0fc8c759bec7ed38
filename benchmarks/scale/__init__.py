"""What the engine costs at scale: large tables, wide and deep DAGs, long queues, real topologies: `make bench-scale`."""
