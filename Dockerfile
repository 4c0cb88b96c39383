# Two images: `site` is Larder, `nginx` stands in front of it with its files. docker-compose.yml builds both.

FROM python:3.14-slim-trixie AS packages
WORKDIR /opt/larder
RUN python -m venv /opt/venv
COPY requirements.txt requirements-attestations.txt ./
# Without requirements-embedded.txt: here MongoDB is a container of its own.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
    -r requirements.txt -r requirements-attestations.txt \
 && /opt/venv/bin/pip uninstall --yes --quiet pip \
 # An older Bootstrap, and themes that the site does not use: 22 MB.
 && rm --recursive /opt/venv/lib/python3.14/site-packages/flask_bootstrap/static/bootstrap4 \
    /opt/venv/lib/python3.14/site-packages/flask_bootstrap/static/bootstrap5/css/bootswatch

FROM python:3.14-slim-trixie AS site
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin larder \
 && install -d -o larder -g larder /var/lib/larder /var/lib/larder/tmp
COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/larder
COPY app.py config.py ./
COPY migrations_sql_to_mongo migrations_sql_to_mongo
COPY webapp webapp
# Python's own modules come without bytecode, and the site may not write any. Importing what it uses compiles that once.
RUN /opt/venv/bin/python -m compileall -q . \
 && /opt/venv/bin/python -c "import webapp, webapp.cli.serve, granian.server, readme_renderer.markdown, readme_renderer.rst" \
 && /opt/venv/bin/python -c "import gunicorn.app.wsgiapp, gunicorn.workers.gthread, multiprocessing.spawn, urllib.request"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLASK_APP=app \
    LARDER_ENV=production \
    MAIL_DIR=/var/lib/larder/mail \
    # Uploads wait here until they are checked; /tmp is memory (docker-compose.yml).
    TMPDIR=/var/lib/larder/tmp
USER 10001
VOLUME /var/lib/larder
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["flask", "serve", "--host", "0.0.0.0", "--port", "8000", "--uploads-port", "8001"]

FROM nginx:1.30-alpine AS nginx
RUN rm /etc/nginx/conf.d/default.conf
COPY deploy/nginx/templates /etc/nginx/templates
COPY deploy/nginx/errors /usr/share/larder/_errors
COPY webapp/static /usr/share/larder/static
COPY --from=packages /opt/venv/lib/python3.14/site-packages/flask_bootstrap/static/bootstrap5 /usr/share/larder/bootstrap/static
ENV LARDER_LISTEN=80 \
    # `resolve`: a site that comes back, or another one beside it, may have another address. nginx asks where it can.
    LARDER_SITE="site:8000 resolve" \
    LARDER_UPLOADS="site:8001 resolve" \
    NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1 \
    LARDER_FILES=/usr/share/larder \
    LARDER_UPLOAD_LIMIT=200m \
    LARDER_FILES_CACHE=off
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1/_alive"]
