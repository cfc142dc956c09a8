#!/bin/sh
# The gateway with the key that create-environment.mjs left.
GATEWAY_KEY="$(cat "$KEY_FILE")" exec node dist/apps/gateway/src/main.js
