"""The database as a whole: dump it, load a dump into an empty one, check and repair documents."""
