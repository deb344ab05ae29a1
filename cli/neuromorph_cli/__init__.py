"""The command line of neuromorph: one small file per command."""
