--[[
  Notes that a gateway lives and how far it is; drops those that have been silent for a day, and those whose time lies so far
  ahead that no gateway wrote it. Only so many at once: whoever may write here can make any number of them.

  KEYS[1]  hash        leases: gateway id -> sealed state
  KEYS[2]  sorted set  lease times: gateway id by the time of its last renewal, milliseconds of Redis
  ARGV[1]  gateway id  ARGV[2]  sealed state   ARGV[3]  how far a time may lie ahead, milliseconds

  Returns  1
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
local function drop(from, to)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], from, to, 'LIMIT', 0, 1000)) do
    redis.call('HDEL', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
drop('-inf', now - 86400000)
drop(now + tonumber(ARGV[3]), '+inf')
return 1
