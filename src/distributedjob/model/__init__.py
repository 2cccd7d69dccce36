"""The nouns of the product, pure: no I/O, no asyncio, no third-party package."""
