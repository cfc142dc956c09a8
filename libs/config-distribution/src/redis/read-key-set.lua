--[[
  What stands for one key set.

  KEYS[1]  hash  attempts or documents: name -> sealed text
  ARGV[1]  name   ARGV[2]  the longest text that is given, in bytes

  Returns  the text, "" when there is none, "?" when something stands there that no gateway wrote: no hash, or too long a text
]]
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return '' end
if kind ~= 'hash' then return '?' end
if redis.call('HSTRLEN', KEYS[1], ARGV[1]) > tonumber(ARGV[2]) then return '?' end
return redis.call('HGET', KEYS[1], ARGV[1]) or ''
