--[[
  Notes that the environment was told of everybody since its log began: from now on who is not there is not known.

  KEYS[1]  hash  position: epoch, sequence, told: the epoch of which this is so, or "" from the beginning of an epoch on
  ARGV[1]  epoch

  Returns  1 noted, 0 another epoch is there
]]
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'told', ARGV[1])
return 1
