"""The application that granian runs in each web process of `flask serve`."""

import os

from app import app
from webapp.cli.web_server import CONNECTIONS, PORT, REQUESTS, begin_web_process
from webapp.members import expiring_tokens
from webapp.serving.connections import Guard
from webapp.serving.slow_clients import AtWork, slow_clients
from webapp.telling import teller

begin_web_process()
app.wsgi_app = AtWork(app.wsgi_app, int(os.environ[REQUESTS]))  # type: ignore[method-assign]
# Behind a proxy, all connections come from its address.
most_of_one_address = None if app.config["TRUSTED_PROXIES"] else int(os.environ[CONNECTIONS]) // 4
Guard(int(os.environ[PORT]), slow_clients.of(app).arriving, most_of_one_address).start()
teller.start(app)
expiring_tokens.start(app)
