"""python -m neuromorph_cli."""

from neuromorph_cli.main import main

raise SystemExit(main())
