#!/bin/bash
# What the entry point of the official image does, as far as Larder's compose files rely on it: it goes on as `mongodb`,
# makes the user root in an empty database, without authentication and for itself alone, and listens everywhere.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  chown -R mongodb /data/db /data/configdb
  exec setpriv --reuid=mongodb --regid=mongodb --clear-groups "$0" "$@"
fi
if [ ! -e /data/db/WiredTiger ] && [ -n "${MONGO_INITDB_ROOT_USERNAME:-}" ]; then
  mongod --dbpath /data/db --bind_ip 127.0.0.1 --port 27017 --fork --logpath /tmp/first.log --pidfilepath /tmp/first.pid > /dev/null
  mongosh --quiet --host 127.0.0.1 admin --eval \
    'db.createUser({user: process.env.MONGO_INITDB_ROOT_USERNAME, pwd: process.env.MONGO_INITDB_ROOT_PASSWORD, roles: ["root"]})'
  mongod --dbpath /data/db --shutdown > /dev/null
fi
unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
exec "$@" --bind_ip_all
