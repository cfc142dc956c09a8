--[[
  Ends every family of an owner.

  KEYS[1]  hash, family id -> sealed record     KEYS[2]  sorted set, family id by expiry
  KEYS[3]  sorted set, family id by login

  Returns  the id of every family there was
]]
local ended = redis.call('HKEYS', KEYS[1])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return ended
