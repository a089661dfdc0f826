"""Three pages from our own files: the console for trying the API, 我的信用 for a citizen's phone, and
案件办理 for the credit office."""
