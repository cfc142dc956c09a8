--[[
  When the leases that live were renewed. A time far ahead is none that a gateway wrote. Ids that no gateway can have are
  taken away: they must not be told again and again.

  KEYS[1]  sorted set  lease times: gateway id by the time of its last renewal, milliseconds of Redis
  ARGV[1]  how long a lease counts as live, and how far its time may lie ahead, milliseconds
  ARGV[2]  the most that are told of   ARGV[3]  the longest id, in bytes

  Returns  {now, "whole" | "part", gateway id, time, gateway id, time, ...}
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local live = tonumber(ARGV[1])
local most = tonumber(ARGV[2])
local found = redis.call('ZRANGEBYSCORE', KEYS[1], now - live, now + live, 'WITHSCORES', 'LIMIT', 0, most + 1)
local answer = { string.format('%.0f', now), #found > 2 * most and 'part' or 'whole' }
for at = 1, math.min(#found, 2 * most), 2 do
  if #found[at] > tonumber(ARGV[3]) then
    redis.call('ZREM', KEYS[1], found[at])
  else
    answer[#answer + 1] = found[at]
    answer[#answer + 1] = found[at + 1]
  end
end
return answer
