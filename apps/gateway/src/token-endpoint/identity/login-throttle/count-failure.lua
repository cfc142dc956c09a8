--[[
  Counts a failed login, unless a limit has been reached before: a block is not lengthened by who runs into it.

  KEYS[1]  failures of a name from an address   KEYS[2]  failures of the address
  ARGV[1]  limit of KEYS[1], 0 for none         ARGV[2]  limit of KEYS[2], 0 for none
  ARGV[3]  life of a count from its first failure on, and again from the one that reaches the limit, ms

  Returns  { failures of the name from the address, ms until logins are checked again or 0 }
]]
local waitMs = 0
for index, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[index])
  if limit > 0 and (tonumber(redis.call('GET', key)) or 0) >= limit then
    -- Looking at it has cut a life that is too long.
    waitMs = math.max(waitMs, math.min(redis.call('PTTL', key), tonumber(ARGV[3])))
  end
end
if waitMs > 0 then return { tonumber(redis.call('GET', KEYS[1])) or 0, waitMs } end

local failures = { 0, 0 }
for index, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[index])
  if limit > 0 then
    failures[index] = redis.call('INCR', key)
    local begins = failures[index] == 1 or failures[index] == limit
    -- A count without an end, whoever made it so, would block for ever.
    if begins or redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[3]) end
  end
end
return { failures[1], 0 }
