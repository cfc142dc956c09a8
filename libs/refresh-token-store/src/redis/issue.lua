--[[
  Opens a family, keeping to the limit of active tokens of its owner.

  KEYS[1]  hash, family id -> sealed record     KEYS[2]  sorted set, family id by expiry
  KEYS[3]  sorted set, family id by login
  ARGV[1]  now, epoch ms                        ARGV[2]  expiry of the token, epoch ms
  ARGV[3]  life of the keys from now on, ms     ARGV[4]  limit, or '' for none
  ARGV[5]  REVOKE_OLDEST or REJECT              ARGV[6]  family id
  ARGV[7]  sealed record

  Returns  {1 opened or 0 the limit is reached and the action is REJECT, id of every family that went}
]]
local families, active, order = KEYS[1], KEYS[2], KEYS[3]
local limit = tonumber(ARGV[4])
local reply = { 1 }

local function forget(id)
  redis.call('HDEL', families, id)
  redis.call('ZREM', active, id)
  redis.call('ZREM', order, id)
  reply[#reply + 1] = id
end

-- With a limit every expired family goes now, or one whose gateway's clock is behind could come back over the limit.
-- Without a limit some go with each login, so that no login pays for all of them.
local most = limit and -1 or 100
for _, id in ipairs(redis.call('ZRANGEBYSCORE', active, '-inf', ARGV[1], 'LIMIT', 0, most)) do
  forget(id)
end

if limit and redis.call('ZCARD', active) >= limit then
  if ARGV[5] == 'REJECT' then
    reply[1] = 0
    return reply
  end
  while redis.call('ZCARD', active) >= limit do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1] or redis.call('ZRANGE', active, 0, 0)[1]
    forget(oldest)
  end
end

-- Logins are counted, not timed: two in one millisecond, or from gateways whose clocks differ, keep their order.
local newest = redis.call('ZREVRANGE', order, 0, 0, 'WITHSCORES')
redis.call('HSET', families, ARGV[6], ARGV[7])
redis.call('ZADD', active, ARGV[2], ARGV[6])
redis.call('ZADD', order, (tonumber(newest[2]) or 0) + 1, ARGV[6])
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
end
return reply
