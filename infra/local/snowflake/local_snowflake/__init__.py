"""A local Snowflake: fakesnow on DuckDB, with the unload, the asynchronous queries and the types it lacks.

Runs in an environment of its own (``requirements.txt`` beside it) and speaks the HTTP protocol of
Snowflake's connectors, so that the application uses its own connector, over real HTTP.

Where it is known to differ from Snowflake: timestamps lie between 1677 and 2262; the session's TIMEZONE is
taken and ignored (all is UTC); a TIMESTAMP_TZ keeps its instant, not its offset; a column's precision below
nine fraction digits rounds nothing; a TIMESTAMP_TZ that is computed, not a plain column, is described as NTZ.
"""
