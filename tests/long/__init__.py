"""What takes too long for every day: commands that are run by hand, whose figures stand in docs/reliability.md."""
