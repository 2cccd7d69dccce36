"""Alembic's environment and the revisions, one file per step, numbered in order."""
