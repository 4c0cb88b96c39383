"""What `flask --app app` and a WSGI server load: the site with the configuration that the environment names."""

from config import config_from_environment
from webapp import create_app

app = create_app(config_from_environment())
