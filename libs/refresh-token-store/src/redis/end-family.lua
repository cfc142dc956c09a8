--[[
  Ends one family.

  KEYS[1]  hash, family id -> sealed record     KEYS[2]  sorted set, family id by expiry
  KEYS[3]  sorted set, family id by login       KEYS[4]  string, sealed successor
  KEYS[5]  string, mark of an end by reuse
  ARGV[1]  family id
  ARGV[2]  sealed record that was read, or '' to end it whatever it is
  ARGV[3]  how long to mark it as ended by reuse, ms; 0 for no mark

  Returns  1 ended, 0 there is none or it changed meanwhile (nothing was done)
]]
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or (ARGV[2] ~= '' and held ~= ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
if ARGV[3] ~= '0' then redis.call('SET', KEYS[5], '1', 'PX', ARGV[3]) end
return 1
