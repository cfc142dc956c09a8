--[[
  Begins a new, empty log in place of the one of an epoch: what stands there is old or was altered.

  KEYS[1]  hash    position: epoch, sequence, told: nobody, see note-told.lua
  KEYS[2]  hash    checkpoint: epoch, sequence, sealed
  KEYS[3]  stream  log
  KEYS[4]  hash    sequences: proxy id -> sequence of its newest record
  KEYS[5]  hash    last good artifacts
  KEYS[6...]       identities: an old copy would bring deleted users back
  ARGV[1]  epoch to replace   ARGV[2]  epoch to begin   ARGV[3]  sealed empty manifest   ARGV[4]  channel to announce on

  Returns  1 begun, 0 another epoch is there
]]
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('DEL', unpack(KEYS))
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'sequence', '0', 'told', '')
redis.call('HSET', KEYS[2], 'epoch', ARGV[2], 'sequence', '0', 'sealed', ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[2])
return 1
