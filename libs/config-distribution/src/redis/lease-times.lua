--[[
  When the leases that live were renewed.

  KEYS[1]  sorted set  lease times: gateway id by the time of its last renewal, milliseconds of Redis
  ARGV[1]  how long a lease counts as live, milliseconds

  Returns  {gateway id, time, gateway id, time, ...}
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[1]), '+inf', 'WITHSCORES')
