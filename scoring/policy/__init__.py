"""Dated policies of a citizen's rights: repair periods, terms of cases, retention. Data and loaders;
what follows from them is decided by whoever asks."""
