"""python -m neuromorph: the command line."""

from neuromorph_cli.main import main

raise SystemExit(main())
