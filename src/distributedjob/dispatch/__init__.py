"""How news travels between the parts. News makes things fast; losing any of it loses nothing."""
