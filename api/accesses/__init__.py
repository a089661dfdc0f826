"""Who asked about a citizen: one line for each access, durable before the answer."""
