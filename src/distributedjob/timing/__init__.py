"""When a schedule fires: pure, standard library only; the current time always comes in as an argument."""
