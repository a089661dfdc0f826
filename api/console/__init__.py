"""Two pages from our own files: the console for trying the API, and 我的信用 for a citizen's phone."""
