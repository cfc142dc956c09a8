#!/usr/bin/env bash
# Sets up a project, an environment and two protected APIs with nothing but curl, and uses them.
# docs/how-to/set-up-everything-with-curl.md explains it block by block.
set -euo pipefail

# Where everything is. ADMIN_TOKEN is the one the control plane was started with.
APIOPS=${APIOPS:-http://127.0.0.1:3000/apiops}
GATEWAY=${GATEWAY:-http://127.0.0.1:8080}
UPSTREAM=${UPSTREAM:-http://127.0.0.1:4000}
ENVIRONMENT=${ENVIRONMENT:-production}
ENVIRONMENT_REDIS_URL=${ENVIRONMENT_REDIS_URL:-redis://127.0.0.1:6379}
GATEWAY_KEY_FILE=${GATEWAY_KEY_FILE:-gateway.key}
: "${ADMIN_TOKEN:?is the token of the first administrator}"
SECRET=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')

# One call: prints the answer, or stops with it when it is no success or was not deployed everywhere.
TOKEN=$ADMIN_TOKEN
TYPE=application/json
apiops() {
  local answer
  answer=$(curl -sS -X "$1" -H "Authorization: Bearer $TOKEN" -H "Content-Type: $TYPE" \
    --data-binary "${3-}" -w '\n%{http_code}' "$APIOPS$2") || exit 1
  case $answer in
    *'"deploymentResult":{"success":false'*) ;;
    *$'\n'200) printf '%s\n' "${answer%$'\n'200}" && return ;;
  esac
  printf '%s %s failed: %s\n' "$1" "$2" "$answer" >&2
  exit 1
}

# The first text or number of a name in an answer.
value() {
  grep -o "\"$1\":\"\?[^\",}]*" | head -n 1 | sed 's/^[^:]*:"\{0,1\}//' | grep . || {
    echo "the answer has no $1" >&2
    exit 1
  }
}

# Stops unless a call of an API has the status it must have.
expect_status() {
  local status
  status=$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $2" "$3")
  echo "$3 answers $status"
  test "$status" = "$1"
}

# 1. A project, and an environment with a Redis of its own. The key of its gateways is shown this once.
apiops POST /projects/ '{"name": "shop", "description": "Orders and partners"}' >/dev/null
ANSWER=$(apiops POST /environments/ "{\"name\": \"$ENVIRONMENT\", \"redisUrl\": \"$ENVIRONMENT_REDIS_URL\"}")
(umask 077 && value gatewayKey <<<"$ANSWER" >"$GATEWAY_KEY_FILE")

# 2. Now a gateway can be started with that key; nothing below waits for more than one.
echo "start a gateway of $ENVIRONMENT with GATEWAY_KEY=\$(cat $GATEWAY_KEY_FILE)"
# Not with -o: curl does not try again once it has written into what is no ordinary file.
curl -s --retry 120 --retry-all-errors --retry-delay 1 "$GATEWAY/" >/dev/null || {
  echo "no gateway answers at $GATEWAY (curl: $?)" >&2
  exit 1
}

# 3. A token for the pipeline: it may change and deploy this project, and nothing else. Shown once as well.
ANSWER=$(apiops POST /tokens/ '{"name": "ci", "permissions": ["MANAGE", "DEPLOY"], "projects": ["shop"]}')
TOKEN=$(value token <<<"$ANSWER")

# 4. A proxy in front of the upstream, one endpoint, and the key pair of the client that asks for tokens.
P=/projects/shop
X=$P/apiProxies/orders
apiops POST $P/apiProxies/url/ "{
  \"apiProxyName\": \"orders\",
  \"clientRoute\": {\"relativePathList\": [\"/orders\"]},
  \"routingInfo\": {\"routingAddressList\": [{\"address\": \"$UPSTREAM\"}]}
}" >/dev/null
apiops POST $X/endpoints/ '{"name": "/items/{id}", "httpMethod": "GET", "description": "One item"}' >/dev/null
apiops PATCH $X/settings/keys/ "{\"publicKey\": \"orders-client\", \"secretKey\": \"$SECRET\"}" >/dev/null

# 5. A user who may log in.
apiops POST $P/credentials/ "{
  \"username\": \"alice\", \"password\": \"$SECRET\",
  \"email\": \"alice@example.org\", \"fullName\": \"Alice\", \"roleNameList\": [\"reader\"]
}" >/dev/null

# 6. A key that signs, and its public half as a variable that other policies can read.
RSA='{"keySize": 2048, "keyUseType": "SIGNATURE", "algorithm": "RSA256", "keyIdType": "SHA256"}'
apiops POST $P/jwks/generate "{\"name\": \"signing\", \"type\": \"RSA\", \"rsa\": $RSA}" >/dev/null
JWK=$(apiops GET $P/jwks/signing/ | grep -o '"publicJwk":{[^}]*}' | head -n 1 | sed 's/^"publicJwk"://; s/"/\\"/g')
apiops POST $P/environmentVariables/public.jwks/ "{\"environmentValueList\": [
  {\"environmentName\": \"$ENVIRONMENT\", \"value\": \"{\\\"keys\\\":[$JWK]}\", \"visible\": true}
]}" >/dev/null

# 7. The policy that issues tokens and checks them: recorded first, then deployed with everything else.
issuing_policy() {
  echo "{
    \"operationMetadata\": {
      \"targetScope\": \"ALL\", \"targetPipeline\": \"REQUEST\", \"order\": 1,
      \"deploy\": $1, \"deployTargetEnvironmentNameList\": [\"$ENVIRONMENT\"]
    },
    \"policy\": {
      \"type\": \"policy-auth-jwt\", \"jwtSignatureAlgorithm\": \"RS256\", \"keyStoreName\": \"signing\",
      \"tokenNeverExpires\": false, \"tokenExpiresInAmount\": $2, \"tokenExpiresInUnit\": \"MINUTES\",
      \"refreshTokenAllowed\": true, \"refreshTokenCount\": 5,
      \"refreshTokenExpiresInAmount\": 1, \"refreshTokenExpiresInUnit\": \"DAYS\"
    }
  }"
}
apiops POST $X/policies/jwt-auth/ "$(issuing_policy false 60)" >/dev/null
ANSWER=$(apiops POST "$X/environments/$ENVIRONMENT/" '{"description": "the first release"}')
FIRST=$(value deployment <<<"$ANSWER")
MESSAGE=$(value message <<<"$ANSWER")
echo "deployment $FIRST: $MESSAGE"

# 8. A second proxy that only checks: Apigee's VerifyJWT, as XML, deployed by the query.
apiops POST $P/apiProxies/url/ "{
  \"apiProxyName\": \"partners\",
  \"clientRoute\": {\"relativePathList\": [\"/partners\"]},
  \"routingInfo\": {\"routingAddressList\": [{\"address\": \"$UPSTREAM\"}]}
}" >/dev/null
PLACE="targetScope=ALL&targetPipeline=REQUEST&deploy=true&deployTargetEnvironmentNameList=$ENVIRONMENT"
TYPE=application/xml
apiops POST "$P/apiProxies/partners/policies/verify-jwt/?$PLACE" "<VerifyJWT name=\"verify-jwt\">
  <Algorithm>RS256</Algorithm>
  <PublicKey><JWKS ref=\"public.jwks\"/></PublicKey>
  <Issuer>https://gatewarden/$ENVIRONMENT</Issuer>
  <Subject>alice</Subject>
</VerifyJWT>" >/dev/null
TYPE=application/json

# 9. Alice logs in. A new user is known to the gateways a moment later.
login() {
  curl -s --retry 10 --retry-all-errors --retry-delay 1 --fail "$GATEWAY/auth/jwt" \
    -u "orders-client:$SECRET" -d grant_type=password -d username=alice -d "password=$SECRET"
}
ACCESS=$(login | value access_token)

# 10. With the token both APIs answer, without it or with another neither does.
expect_status 200 "$ACCESS" "$GATEWAY/orders/items/7"
expect_status 200 "$ACCESS" "$GATEWAY/partners/7"
expect_status 401 "${ACCESS%??????}AAAAAA" "$GATEWAY/orders/items/7"
expect_status 401 "${ACCESS%??????}AAAAAA" "$GATEWAY/partners/7"

# 11. Change the policy: tokens live 5 minutes from now on. What is wrong with a body is said field by field.
apiops PUT $X/policies/jwt-auth/ "$(issuing_policy true 5)" >/dev/null
SECONDS_LEFT=$(login | value expires_in)
echo "tokens live $SECONDS_LEFT seconds"

# 12. Go back to the first release: its content becomes the newest revision, and is deployed.
apiops POST "$X/deploy-histories/$FIRST/rollback/?environmentName=$ENVIRONMENT" '{"description": "back"}' >/dev/null
SECONDS_LEFT=$(login | value expires_in)
echo "tokens live $SECONDS_LEFT seconds"

# 13. Who did what, when, and what each change changed.
apiops GET $X/events/
apiops GET $X/deploy-histories/
apiops GET "$X/diff/?from=3&to=4"
echo 'everything is set up'
