#!/bin/sh
# Prints an ACL file for Redis (`redis-server --aclfile users.acl`) with one user for the control plane and one for the gateways
# of each environment named as an argument. Passwords come from the environment, and only their SHA-256 is printed:
#   CONTROL_PLANE_REDIS_PASSWORD           of user `control-plane`
#   GATEWAY_REDIS_PASSWORD_<ENVIRONMENT>   of user `gateway-<environment>`; the name in capitals, other characters as `_`
# and, each of them only when it is set, for those who run Redis:
#   REDIS_ADMINISTRATOR_PASSWORD           of user `administrator`, who may do everything
#   REDIS_REPLICA_PASSWORD                 of user `replica`, as whom replicas follow their master, those of a cluster too
#   REDIS_SENTINEL_PASSWORD                of user `sentinel`, as whom Sentinels watch the data servers
# Needs nothing but a POSIX shell, awk, tr and sha256sum, so that it runs in the image of Redis too.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
shortest_password=16
sentinel_permissions='&* -@all +multi +exec +slaveof +ping +info +role +publish +subscribe +config|rewrite +client|setname +client|kill +script|kill'

fail() {
  echo "make-users-acl.sh: $1" >&2
  exit 1
}

# The SHA-256 of the password in the variable named $1.
hash_in() {
  eval "password=\${$1:-}"
  [ -n "$password" ] || fail "$1 is not set"
  [ "${#password}" -ge "$shortest_password" ] || fail "$1 must have at least $shortest_password characters"
  printf '%s' "$password" | sha256sum | cut -d ' ' -f 1
}

# The template $1 on one line, without its comments, for environment $2 and password hash $3.
one_line() {
  awk -v environment="$2" -v hash="$3" '
    /^#/ { next }
    {
      gsub(/ENVIRONMENT/, environment)
      gsub(/PASSWORD_SHA256/, hash)
      $1 = $1
      printf "%s%s", (begun ? " " : ""), $0
      begun = 1
    }
    END { print "" }' "$here/$1"
}

variable_of() {
  printf 'GATEWAY_REDIS_PASSWORD_%s' "$(printf '%s' "$1" | tr 'a-z' 'A-Z' | tr -c 'A-Z0-9' '_')"
}

# A user of those who run Redis: name $1, the variable of the password $2, permissions $3. None without the variable.
operators_user() {
  eval "is_set=\${$2+yes}"
  [ -n "$is_set" ] || return 0
  hash=$(hash_in "$2") || exit 1
  echo "user $1 reset on #$hash $3"
}

[ "$#" -gt 0 ] || fail 'name the environments: make-users-acl.sh staging production'
variables=' '
for environment in "$@"; do
  # Names with other characters would mean something else in a pattern of keys, in the file or in awk.
  case $environment in
    '' | *[!A-Za-z0-9._-]*) fail "environment \"$environment\": only letters, digits, dots, underscores and hyphens" ;;
  esac
  # Two environments must not share a password unnoticed, and a user twice in the file is refused by Redis.
  variable=$(variable_of "$environment")
  case $variables in
    *" $variable "*) fail "environment \"$environment\": $variable is the password of one before it already" ;;
  esac
  variables="$variables$variable "
done

# Everything is made before anything is printed: half a file must not look like one.
users=$(
  # Nobody can be this user. It keeps its permissions all the same: when Redis starts, it carries out the transactions of its
  # append-only file as this user, and what our scripts write are transactions. What it may not do would be lost.
  echo 'user default reset off ~* &* +@all'
  # May only ask whether the server is there, with any password: redis-cli --user health --pass health ping
  echo 'user health reset on nopass -@all +ping'
  operators_user administrator REDIS_ADMINISTRATOR_PASSWORD '~* &* +@all' || exit 1
  operators_user replica REDIS_REPLICA_PASSWORD '-@all +psync +replconf +ping' || exit 1
  # What Sentinels do to the servers that they watch, by Redis' own documentation. They read and write no key.
  operators_user sentinel REDIS_SENTINEL_PASSWORD "$sentinel_permissions" || exit 1
  hash=$(hash_in CONTROL_PLANE_REDIS_PASSWORD) || exit 1
  one_line control-plane.acl '' "$hash"
  for environment in "$@"; do
    hash=$(hash_in "$(variable_of "$environment")") || exit 1
    one_line gateways.acl "$environment" "$hash"
  done
) || exit 1
printf '%s\n' "$users"
