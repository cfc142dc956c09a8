--[[
  Notes that a gateway lives and how far it is; drops those that have been silent for a day.

  KEYS[1]  hash        leases: gateway id -> sealed state
  KEYS[2]  sorted set  lease times: gateway id by the time of its last renewal, milliseconds of Redis
  ARGV[1]  gateway id  ARGV[2]  sealed state

  Returns  1
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - 86400000)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return 1
