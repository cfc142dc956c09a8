#!/bin/sh
# Makes every secret of docker-compose.yml, once, in deploy/compose/secrets: what is there stays as it is.
# The directory is closed to other users of this machine. The files in it are not: each is mounted alone into the containers
# that need it, whose users have other numbers than yours.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
secrets="$here/secrets"
mkdir -p "$secrets"
chmod 0700 "$secrets"

# 32 bytes in hexadecimal: fits into an address as it is.
random_text() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# What comes in becomes the file $1, whole, unless there is one.
keep() {
  if [ -s "$secrets/$1" ]; then
    cat > /dev/null
    return
  fi
  cat > "$secrets/$1.new"
  chmod 0444 "$secrets/$1.new"
  mv "$secrets/$1.new" "$secrets/$1"
}

secret() { cat "$secrets/$1"; }

head -c 32 /dev/urandom | base64 | keep master-key
for name in admin-token postgres-password grafana-password \
  control-plane-redis-password staging-redis-password production-redis-password; do
  random_text | keep "$name"
done
printf 'postgres://gatewarden:%s@postgres:5432/gatewarden' "$(secret postgres-password)" | keep database-url
printf 'redis://control-plane:%s@redis:6379' "$(secret control-plane-redis-password)" | keep control-plane-redis-url
for environment in staging production; do
  printf 'redis://gateway-%s:%s@redis:6379' "$environment" "$(secret "$environment-redis-password")" \
    | keep "$environment-redis-url"
done
users=$(
  CONTROL_PLANE_REDIS_PASSWORD=$(secret control-plane-redis-password) \
    GATEWAY_REDIS_PASSWORD_STAGING=$(secret staging-redis-password) \
    GATEWAY_REDIS_PASSWORD_PRODUCTION=$(secret production-redis-password) \
    sh "$here/../redis/make-users-acl.sh" staging production
)
printf '%s\n' "$users" | keep redis-users.acl
echo "secrets are in $secrets"
