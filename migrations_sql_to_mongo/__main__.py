"""`python -m migrations_sql_to_mongo`."""

import gc

# Nothing that is imported becomes garbage, and documents hold no cycles: looking for some took a tenth of the time.
gc.disable()

from migrations_sql_to_mongo.cli import main  # noqa: E402 -- the collector is off while modules are imported

gc.freeze()
gc.set_threshold(100_000)
gc.enable()

main(prog_name="python -m migrations_sql_to_mongo")
