"""Partners: who they are, how they prove it, and the yes or no they get."""
