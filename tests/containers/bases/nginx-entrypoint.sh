#!/bin/sh
# The template step of the official image (15-local-resolvers.envsh and 20-envsubst-on-templates.sh): only variables that
# are set are filled in.
set -eu
if [ -n "${NGINX_ENTRYPOINT_LOCAL_RESOLVERS:-}" ]; then
  NGINX_LOCAL_RESOLVERS=$(awk '$1 == "nameserver" {printf "%s%s", between, $2; between = " "}' /etc/resolv.conf)
  export NGINX_LOCAL_RESOLVERS
fi
defined=$(printf '${%s} ' $(env | cut -d= -f1))
for template in /etc/nginx/templates/*.template; do
  envsubst "$defined" < "$template" > "/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec "$@"
