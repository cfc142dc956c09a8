--[[
  Removes keys that are of another kind than they should be: somebody else made them, and every command on them fails.

  KEYS[1...]  keys   ARGV[1...]  the kind of each, as TYPE names it

  Returns  the keys that were removed
]]
local removed = {}
for index, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= ARGV[index] then
    redis.call('UNLINK', key)
    removed[#removed + 1] = key
  end
end
return removed
