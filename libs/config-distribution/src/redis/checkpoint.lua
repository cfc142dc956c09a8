--[[
  Replaces the checkpoint by a later one of the same epoch and trims the log well behind it.

  KEYS[1]  hash    position: epoch, sequence, told
  KEYS[2]  hash    checkpoint: epoch, sequence, sealed
  KEYS[3]  stream  log
  KEYS[4]  hash    sequences: proxy id -> sequence of its newest record
  ARGV[1]  epoch   ARGV[2]  sequence, decimal   ARGV[3]  sealed manifest
  ARGV[4]  how many records to keep before the checkpoint, for gateways that lag

  An epoch of its own is begun when there is no log yet: an environment without proxies has an empty checkpoint. In a new
  epoch nobody has been told of: see note-told.lua.

  Returns  1 written, 0 not newer or of another epoch
]]
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'sequence', ARGV[2], 'told', '')
  redis.call('DEL', KEYS[3], KEYS[4])
  epoch = ARGV[1]
end
if epoch ~= ARGV[1] then return 0 end
local heldEpoch = redis.call('HGET', KEYS[2], 'epoch')
local held = tonumber(redis.call('HGET', KEYS[2], 'sequence') or '-1')
if heldEpoch == epoch and tonumber(ARGV[2]) <= held then return 0 end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'sequence', ARGV[2], 'sealed', ARGV[3])
local first = tonumber(ARGV[2]) - tonumber(ARGV[4])
if first > 0 then redis.call('XTRIM', KEYS[3], 'MINID', first .. '-0') end
return 1
