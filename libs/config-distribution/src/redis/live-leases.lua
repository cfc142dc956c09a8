--[[
  The leases renewed within a time.

  KEYS[1]  hash        leases: gateway id -> sealed state
  KEYS[2]  sorted set  lease times
  ARGV[1]  how long a lease counts as live, milliseconds

  Returns  {gateway id, sealed state, gateway id, sealed state, ...}
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], now - tonumber(ARGV[1]), '+inf')) do
  local sealed = redis.call('HGET', KEYS[1], id)
  if sealed then
    answer[#answer + 1] = id
    answer[#answer + 1] = sealed
  end
end
return answer
