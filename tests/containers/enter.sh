#!/bin/sh
# Runs a command in namespaces of its own: no port, process, mount or network of it is left when it has ended.
set -eu
export LARDER_CONTAINERS="$1"
shift
exec unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
  ip link set lo up
  mount -t tmpfs tmpfs "$LARDER_CONTAINERS/run"
  mount -t tmpfs tmpfs /dev/shm
  mkdir -p /run/containers && mount -t tmpfs tmpfs /run/containers
  mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && mount --make-shared /run/netns
  exec "$@"' enter "$@"
