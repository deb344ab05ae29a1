"""Learning rules that ship with neuromorph, one per file."""
