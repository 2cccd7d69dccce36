"""The database, which is the truth: tables, hot statements, one file per noun."""
