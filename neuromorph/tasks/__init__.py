"""Tasks that networks learn: the only place that knows of digits and labels. Built on the public API alone."""
