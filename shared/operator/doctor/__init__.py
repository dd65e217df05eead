"""Doctor: look at a live installation, one line a check, with the least effect."""
