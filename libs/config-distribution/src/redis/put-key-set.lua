--[[
  Replaces the attempt at one key set when the expected one stands there, adds a document if there is one, and forgets sets
  that nothing was written of for long, and those written of longest ago when there are too many.

  KEYS[1]  hash        attempts: name -> sealed attempt
  KEYS[2]  hash        documents: name -> sealed document
  KEYS[3]  sorted set  uses: name by the time of its last write, milliseconds of Redis
  ARGV[1]  name        ARGV[2]  expected attempt, as read-key-set.lua gives it   ARGV[3]  attempt   ARGV[4]  document or ""
  ARGV[5]  how long a set is kept after its last write, milliseconds             ARGV[6]  how many sets are kept
  ARGV[7]  the longest attempt that is read, in bytes

  What is none of the kinds above was planted: it goes. So do uses in the future, which would push out all others.

  Returns  1 replaced, 0 another attempt stands there
]]
local function isKind(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end
local function held()
  if not isKind(KEYS[1], 'hash') then return '?' end
  if redis.call('HSTRLEN', KEYS[1], ARGV[1]) > tonumber(ARGV[7]) then return '?' end
  return redis.call('HGET', KEYS[1], ARGV[1]) or ''
end
if held() ~= ARGV[2] then return 0 end

for index, kind in ipairs({ 'hash', 'hash', 'zset' }) do
  if not isKind(KEYS[index], kind) then redis.call('DEL', KEYS[index]) end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function forget(names)
  for _, name in ipairs(names) do
    redis.call('HDEL', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
    redis.call('ZREM', KEYS[3], name)
  end
end
forget(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[5]), 'LIMIT', 0, 1000))
forget(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. now, '+inf', 'LIMIT', 0, 1000))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
redis.call('ZADD', KEYS[3], now, ARGV[1])
local surplus = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
if surplus > 0 then forget(redis.call('ZRANGE', KEYS[3], 0, math.min(surplus, 1000) - 1)) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
return 1
