"""The application that `flask --app app` and WSGI servers load, configured by the environment."""

import gc

import migrations_sql_to_mongo
from config import BadConfig, config_from_environment
from webapp import create_app
from webapp.mongodb.mongod_programs import MongodError

try:
    app = create_app(config_from_environment())
except (BadConfig, MongodError) as error:
    # Whoever starts the site has something to fix, and no use for a traceback.
    raise SystemExit(f"FAILED: {error}") from None
migrations_sql_to_mongo.init_app(app)

# Existing objects stay, and requests leave hardly any reference cycles behind: looking for them as often as Python does
# by default took 8 % of a search's time, and a sixth of a large answer's.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
