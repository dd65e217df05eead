"""What an operator does by hand, beside the service: ``python -m shared.operator --help``."""
