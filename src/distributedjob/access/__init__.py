"""Who may come in: passwords, access tokens, API tokens, and what guessing costs. Knows no HTTP and no database."""
