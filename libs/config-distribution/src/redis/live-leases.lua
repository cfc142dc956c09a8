--[[
  The leases renewed within a time.

  KEYS[1]  hash        leases: gateway id -> sealed state
  KEYS[2]  sorted set  lease times
  ARGV[1]  how long a lease counts as live, and how far its time may lie ahead, milliseconds
  ARGV[2]  the most that are given

  Returns  {gateway id, sealed state, gateway id, sealed state, ...}
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local live = tonumber(ARGV[1])
local answer = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], now - live, now + live, 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local sealed = redis.call('HGET', KEYS[1], id)
  if sealed then
    answer[#answer + 1] = id
    answer[#answer + 1] = sealed
  end
end
return answer
