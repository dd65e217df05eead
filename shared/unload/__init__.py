"""The SQL that unloads a slice of a table."""
