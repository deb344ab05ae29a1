"""The cases of `neuromorph bench`: one network for every simulator, run in processes of their own, compared fairly."""
