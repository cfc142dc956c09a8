--[[
  Reads entries in the order of their sequences.

  KEYS[1]  string, position     KEYS[2]  hash, id -> sealed entry     KEYS[3]  sorted set, id by sequence
  ARGV[1]  epoch that was read  ARGV[2]  sequence that was read
  ARGV[3]  highest sequence that there can be
  ARGV[4]  how many at most     ARGV[5]  length of the longest text that is read

  Returns  {position or '', 1 when it begins at the start, how many are held,
            for each: id, its sequence, its text or ''}
]]
local position = redis.call('GET', KEYS[1]) or ''
local epoch, text = string.match(position, '^([%w_-]+) (%d+)$')
local last = redis.call('ZREVRANGEBYSCORE', KEYS[3], ARGV[3], '(0', 'WITHSCORES', 'LIMIT', 0, 1)
local sequence = math.max(tonumber(text or 0), math.ceil(tonumber(last[2] or 0)))
if epoch then position = epoch .. ' ' .. string.format('%.0f', sequence) else position = '' end
local isFromStart = (epoch or '') ~= ARGV[1] or sequence < tonumber(ARGV[2])
local after = isFromStart and '(0' or '(' .. ARGV[2]

local answer = { position, isFromStart and 1 or 0, redis.call('ZCARD', KEYS[3]) }
local found = redis.call('ZRANGEBYSCORE', KEYS[3], after, ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for i = 1, #found, 2 do
  local isReadable = redis.call('HSTRLEN', KEYS[2], found[i]) <= tonumber(ARGV[5])
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = found[i + 1]
  answer[#answer + 1] = isReadable and redis.call('HGET', KEYS[2], found[i]) or ''
end
return answer
