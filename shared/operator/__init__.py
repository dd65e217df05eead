"""The operator's manual commands, separate from the service: ``python -m shared.operator --help``."""
