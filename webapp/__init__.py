"""Larder: a Python package index and its web site, stored in MongoDB."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from config import BadConfig, Config, ProductionConfig


class Site(Flask):
    """The application. None of its functions is a coroutine, so Flask need not check each of them for each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged."""
        return func


def create_app(config: type[Config]) -> Flask:
    """Build the site. Raises BadConfig for invalid settings, MongodError if there is no database."""
    # Here, because the migration needs only documents and rules. The rest takes a third of a second and 15 MB.
    from webapp import accounts, cli, publishing, telling, trusted, upstream
    from webapp.members import read_access
    from webapp.mongodb import connection
    from webapp.serving import (
        affected_releases,
        description_images,
        download_counter,
        errors,
        filters,
        footer,
        kept_files,
        log_config,
        metrics,
        public_pages,
        redirects,
        request_log,
        security,
        sending,
        slow_clients,
        static_files,
        unread_bodies,
    )

    app = Site(__name__)
    app.config.from_object(config)
    check_config(app, config)
    log_config.init_app(app)
    request_log.init_app(app)
    unread_bodies.init_app(app)
    metrics.init_app(app)
    filters.init_app(app)
    description_images.init_app(app)
    footer.init_app(app)
    connection.init_app(app, metrics.database_listeners(app))
    security.init_app(app)
    # Before any other code reads requests from people who may not read the site.
    read_access.init_app(app)
    slow_clients.init_app(app)
    sending.init_app(app)
    kept_files.init_app(app)
    static_files.init_app(app)
    register_extensions(app)
    public_pages.init_app(app)
    download_counter.init_app(app)
    affected_releases.init_app(app)
    redirects.init_app(app)
    errors.init_app(app)
    accounts.init_app(app)
    upstream.init_app(app)
    publishing.init_app(app)
    telling.init_app(app)
    trusted.init_app(app)
    register_blueprints(app)
    cli.init_app(app)
    return app


def check_config(app: Flask, config: type[Config]) -> None:
    """Refuse to run in production with a well-known secret, without a database of its own, or with forgeable links."""
    if issubclass(config, ProductionConfig):
        if len(app.config["SECRET_KEY"]) < 32 or app.config["SECRET_KEY"] == Config.SECRET_KEY:
            raise BadConfig("production needs a SECRET_KEY of its own, of at least 32 characters")
        if not app.config["MONGODB_URI"]:
            raise BadConfig("production needs MONGODB_URI")
        if app.config["MAIL_SERVER"] and not app.config["SITE_URL"]:
            raise BadConfig("production with MAIL_SERVER needs SITE_URL, because mails carry links to the site")


def register_extensions(app: Flask) -> None:
    """Bind the other extensions."""
    from webapp.serving.extensions import bootstrap, csrf

    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    bootstrap.init_app(app)
    csrf.init_app(app)


def register_blueprints(app: Flask) -> None:
    """Register the blueprints. Content pages come last, because they answer at any path that nothing else has."""
    from webapp import (
        accounts,
        admin,
        advisories,
        dependencies,
        feeds,
        files,
        health,
        home,
        images,
        index_api,
        inside,
        manage,
        packages,
        pages,
        publishing,
        search,
        seo,
        stats,
        teams,
        trusted,
        upstream,
        webhooks,
    )

    rooms = (home, packages, search, accounts, manage, admin, publishing, files, upstream, stats, feeds, index_api, seo)
    for room in (*rooms, advisories, dependencies, images, inside, teams, trusted, webhooks, health, pages):
        app.register_blueprint(room.bp)
