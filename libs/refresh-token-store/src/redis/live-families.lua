--[[
  Takes over what changed in the living families of an environment, and counts them.

  KEYS[1]  sorted set, family id by expiry
  ARGV[1]  now, epoch ms                        ARGV[2]  life of the key from now on, ms
  ARGV[3]  family id                            ARGV[4]  its expiry, epoch ms; 0: it ended        and so on

  Returns  how many there are
]]
for at = 3, #ARGV, 2 do
  if ARGV[at + 1] == '0' then
    redis.call('ZREM', KEYS[1], ARGV[at])
  else
    redis.call('ZADD', KEYS[1], ARGV[at + 1], ARGV[at])
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('ZCARD', KEYS[1])
