"""Partition tables, one kind a file: MBR with its logical partitions, GPT with its backup."""
