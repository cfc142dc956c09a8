--[[
  Reads what is held of some ids, as it is at one moment.

  KEYS[1]  string, position     KEYS[2]  hash, id -> sealed entry     KEYS[3]  sorted set, id by sequence
  ARGV[1]  highest sequence that there can be
  ARGV[2…] ids

  Returns  {position or '', for each id: its text or '', 1 when it is listed, else 0}
]]
local answer = { redis.call('GET', KEYS[1]) or '' }
for i = 2, #ARGV do
  local sequence = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[i]) or '')
  answer[#answer + 1] = redis.call('HGET', KEYS[2], ARGV[i]) or ''
  answer[#answer + 1] = (sequence and sequence > 0 and sequence <= tonumber(ARGV[1])) and 1 or 0
end
return answer
