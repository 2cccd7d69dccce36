"""What nodes share for a moment, in Redis or each for itself. Never the truth, never in the way."""
