"""Looking into the database as a whole: a dump of it, a load into an empty one, a check of what stands there."""
