"""A trace shown in a browser on this machine: a small server (serve.py) that sends what a window of time shows."""
