"""What `flask --app app` and a WSGI server load: the site with the configuration that the environment names."""

import migrations_sql_to_mongo
from config import BadConfig, config_from_environment
from webapp import create_app
from webapp.local_mongod import MongodError

try:
    app = create_app(config_from_environment())
except (BadConfig, MongodError) as error:
    # Whoever starts the site has something to mend, and no use for a traceback.
    raise SystemExit(f"FAILED: {error}") from None
migrations_sql_to_mongo.init_app(app)
