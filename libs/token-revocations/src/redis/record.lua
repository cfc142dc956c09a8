--[[
  Writes entries whose text is still the one that was read, each under a sequence of its own, and forgets what has ended.

  KEYS[1]  string, position                     KEYS[2]  hash, id -> sealed entry
  KEYS[3]  sorted set, id by sequence           KEYS[4]  sorted set, id by end
  ARGV[1]  epoch to begin with                  ARGV[2]  time, epoch ms
  ARGV[3]  highest sequence that there can be   ARGV[4]  what ended by then is forgotten, epoch ms
  ARGV[5]  how many are forgotten at most       ARGV[6]  how many entries there may be
  ARGV[7…] for each: id, text that was read or '', text to be, end in epoch ms or '+inf'

  Returns  {position, numbers (from 1) of those that changed meanwhile…}, or 'full' (nothing was written)
]]
local position, entries, sequences, ends = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local highest = tonumber(ARGV[3])

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', ARGV[4], 'LIMIT', 0, ARGV[5])) do
  redis.call('HDEL', entries, id)
  redis.call('ZREM', sequences, id)
  redis.call('ZREM', ends, id)
end

local added = 0
for i = 7, #ARGV, 4 do
  if redis.call('HEXISTS', entries, ARGV[i]) == 0 then added = added + 1 end
end
-- What is held already may say more at any time: that takes no room.
if added > 0 and redis.call('HLEN', entries) + added > tonumber(ARGV[6]) then return 'full' end

local epoch, text = string.match(redis.call('GET', position) or '', '^([%w_-]+) (%d+)$')
local sequence = tonumber(text or '')
if not sequence or sequence >= highest then
  epoch, sequence = ARGV[1], tonumber(ARGV[2])
end
-- A Redis that came back from an older copy must not give a number that somebody has read for something else: numbers are
-- at least the time. One that was set back does not bring those that are held already.
local last = redis.call('ZREVRANGEBYSCORE', sequences, ARGV[3], '(0', 'WITHSCORES', 'LIMIT', 0, 1)
sequence = math.max(sequence, tonumber(ARGV[2]), math.ceil(tonumber(last[2] or 0)))

local changed = {}
for i = 7, #ARGV, 4 do
  if (redis.call('HGET', entries, ARGV[i]) or '') == ARGV[i + 1] then
    sequence = sequence + 1
    redis.call('HSET', entries, ARGV[i], ARGV[i + 2])
    redis.call('ZADD', sequences, string.format('%.0f', sequence), ARGV[i])
    redis.call('ZADD', ends, ARGV[i + 3], ARGV[i])
  else
    changed[#changed + 1] = (i - 7) / 4 + 1
  end
end
local reached = epoch .. ' ' .. string.format('%.0f', sequence)
redis.call('SET', position, reached)
return { reached, unpack(changed) }
