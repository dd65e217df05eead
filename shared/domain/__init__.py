"""What the service is about: jobs, chunks and what becomes of them; the standard library only."""
