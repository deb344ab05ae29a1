"""What people describe: networks, their values, their files, and the check that finds every mistake in them."""
