"""Doctor: check a live installation with minimal side effects, and print one line per check."""
