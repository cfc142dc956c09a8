--[[
  Replaces the newest token of a family, if it is still the one that was read.

  KEYS[1]  hash, family id -> sealed record     KEYS[2]  sorted set, family id by expiry
  KEYS[3]  sorted set, family id by login       KEYS[4]  string, sealed successor
  ARGV[1]  family id                            ARGV[2]  sealed record that was read
  ARGV[3]  sealed record to be                  ARGV[4]  expiry of the new token, epoch ms
  ARGV[5]  life of the keys from now on, ms     ARGV[6]  sealed successor
  ARGV[7]  grace, ms                            ARGV[8]  until when somebody waits, server's epoch ms

  Returns  1 replaced, 0 the family changed or ended meanwhile, or nobody waits any more (nothing was done)
]]
-- The grace is counted from the request. Carried out long after it, this would make a replay of the client's next try.
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) >= tonumber(ARGV[8]) then return 0 end
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
for i = 1, 3 do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
end
if ARGV[7] ~= '0' then redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7]) end
return 1
