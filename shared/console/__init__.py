"""The web console: the files that a browser loads. It calls the API like any client."""
