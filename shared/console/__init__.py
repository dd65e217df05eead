"""The web console: the files that a browser loads. It speaks to the API as any client does."""
