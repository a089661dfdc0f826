"""What a rule or a catalogue entry may not contain, as data and as a search over text."""
