--[[
  Stores an identity record unless a later or the same version is held.

  KEYS[1]  hash  identities of one kind: subject -> "<version> <sealed>"; an empty sealed text: removed
  ARGV[1]  subject   ARGV[2]  version, decimal   ARGV[3]  sealed record or ""
  ARGV[4]  a held version that is known to be a lie, or "": it is overwritten, any other one stands

  Returns  1 stored, 0 not newer
]]
local held = redis.call('HGET', KEYS[1], ARGV[1])
local version = held and tonumber(string.match(held, '^%d+')) or 0
if ARGV[4] ~= '' and version == tonumber(ARGV[4]) then version = 0 end
if tonumber(ARGV[2]) <= version then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 1
