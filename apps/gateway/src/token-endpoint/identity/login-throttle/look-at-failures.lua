--[[
  Whether a login may be tried.

  KEYS[1]  failures of a name from an address   KEYS[2]  failures of the address
  ARGV[1]  limit of KEYS[1], 0 for none         ARGV[2]  limit of KEYS[2], 0 for none

  Returns  { failures of the name from the address, ms until logins are checked again or 0 }
]]
local waitMs = 0
for index, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[index])
  if limit > 0 and (tonumber(redis.call('GET', key)) or 0) >= limit then
    waitMs = math.max(waitMs, redis.call('PTTL', key))
  end
end
return { tonumber(redis.call('GET', KEYS[1])) or 0, waitMs }
