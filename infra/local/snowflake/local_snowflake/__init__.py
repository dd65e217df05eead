"""A local Snowflake: fakesnow on DuckDB, plus the unload, the asynchronous queries and the types it lacks.

It runs in its own environment (``requirements.txt`` beside it) and implements the HTTP protocol of
Snowflake's connectors. The application therefore uses its own connector over real HTTP.

Known differences from Snowflake: timestamps must be between 1677 and 2262. The server accepts and ignores the
session's TIMEZONE (everything is UTC). A TIMESTAMP_TZ keeps its instant but not its offset. A column's
precision below nine fraction digits rounds nothing. A computed TIMESTAMP_TZ is described as NTZ.
"""
