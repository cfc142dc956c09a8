--[[
  Takes leases away that are not genuine, unless they were renewed since they were read.

  KEYS[1]  hash        leases: gateway id -> sealed state
  KEYS[2]  sorted set  lease times
  ARGV     gateway id, SHA-1 of the text that was read or "" where there was none, gateway id, ...

  Returns  how many
]]
local dropped = 0
for at = 1, #ARGV, 2 do
  local held = redis.call('HGET', KEYS[1], ARGV[at])
  if (held and redis.sha1hex(held) or '') == ARGV[at + 1] then
    redis.call('HDEL', KEYS[1], ARGV[at])
    redis.call('ZREM', KEYS[2], ARGV[at])
    dropped = dropped + 1
  end
end
return dropped
