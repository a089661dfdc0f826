"""The credit office's routes: a queue of cases, decided by people; every look leaves a line."""
