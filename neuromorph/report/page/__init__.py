"""A trace as one page of HTML that opens without a network (build.py); the same pieces make the live view's page."""
