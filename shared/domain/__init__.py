"""The domain: jobs, chunks and their states. It imports only the standard library."""
