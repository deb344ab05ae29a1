"""What spikes say: plain functions on arrays (spikes.py) and one row per population of a trace (table.py)."""
