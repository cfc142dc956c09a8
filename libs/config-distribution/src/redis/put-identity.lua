--[[
  Stores an identity record unless a later or the same version is held.

  KEYS[1]  hash  identities of one kind: subject -> "<version> <sealed>"; an empty sealed text: removed
  ARGV[1]  subject   ARGV[2]  version, decimal   ARGV[3]  sealed record or ""

  Returns  1 stored, 0 not newer
]]
local held = redis.call('HGET', KEYS[1], ARGV[1])
local version = held and tonumber(string.match(held, '^%d+')) or 0
if tonumber(ARGV[2]) <= version then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 1
