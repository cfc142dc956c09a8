--[[
  Whether a login may be tried.

  KEYS[1]  failures of a name from an address   KEYS[2]  failures of the address
  ARGV[1]  limit of KEYS[1], 0 for none         ARGV[2]  limit of KEYS[2], 0 for none
  ARGV[3]  longest life of a count, ms

  Returns  { failures of the name from the address, ms until logins are checked again or 0 }
]]
local waitMs = 0
for index, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[index])
  if limit > 0 and (tonumber(redis.call('GET', key)) or 0) >= limit then
    local leftMs = redis.call('PTTL', key)
    -- No failure makes it so: somebody who writes here would block the user for as long as he likes.
    if leftMs > tonumber(ARGV[3]) then
      redis.call('PEXPIRE', key, ARGV[3])
      leftMs = tonumber(ARGV[3])
    end
    waitMs = math.max(waitMs, leftMs)
  end
end
return { tonumber(redis.call('GET', KEYS[1])) or 0, waitMs }
