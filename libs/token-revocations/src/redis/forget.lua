--[[
  Forgets entries that are still what was read.

  KEYS[1]  hash, id -> sealed entry     KEYS[2]  sorted set, id by sequence     KEYS[3]  sorted set, id by end
  ARGV[1]  longest text that is read
  ARGV[2…] for each: id, text that was read, '' when it was longer or there was none

  Returns  how many were forgotten
]]
local forgotten = 0
for i = 2, #ARGV, 2 do
  local id, text = ARGV[i], ARGV[i + 1]
  local isLonger = text == '' and redis.call('HSTRLEN', KEYS[1], id) > tonumber(ARGV[1])
  if isLonger or (redis.call('HGET', KEYS[1], id) or '') == text then
    forgotten = forgotten + redis.call('HDEL', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
  end
end
return forgotten
