"""`python -m migrations_sql_to_mongo`."""

import gc
import signal

# Nothing that is imported becomes garbage, and documents hold no cycles: looking for some took a tenth of the time.
gc.disable()

from migrations_sql_to_mongo.cli import main  # noqa: E402 -- the collector is off while modules are imported

gc.freeze()
gc.set_threshold(100_000)
gc.enable()

try:
    main(prog_name="python -m migrations_sql_to_mongo")
finally:
    # The command has ended: Ctrl-C would only interrupt what libraries do at the end, with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
