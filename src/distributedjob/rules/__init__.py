"""Decisions, pure: what is given in decides what comes out. No clock, no chance, no database."""
