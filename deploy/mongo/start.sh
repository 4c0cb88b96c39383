#!/bin/sh
# Starts MongoDB as its image does, as a member of the replica set rs0, with authentication. Arguments go to mongod.
#
# Members of a replica set know each other by a key. MONGO_KEY is the one that several members share; a single member
# gets a new one at each start, so that there is none to keep.
set -eu

key=$(mktemp)
if [ -n "${MONGO_KEY:-}" ]; then
  printf '%s\n' "$MONGO_KEY" > "$key"
else
  head -c 256 /dev/urandom | base64 > "$key"
fi
unset MONGO_KEY
chmod 400 "$key"
# The image goes on as its user mongodb.
if [ "$(id -u)" = 0 ] && id mongodb > /dev/null 2>&1; then
  chown mongodb "$key"
fi
# A dump reads the state of one moment, which MongoDB by itself keeps for five minutes: too short for a large index.
exec docker-entrypoint.sh mongod --auth --replSet rs0 --keyFile "$key" \
  --setParameter minSnapshotHistoryWindowInSeconds=7200 "$@"
