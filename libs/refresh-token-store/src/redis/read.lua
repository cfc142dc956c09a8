--[[
  Reads a family as it is at one moment.

  KEYS[1]  hash, family id -> sealed record     KEYS[2]  string, sealed successor
  KEYS[3]  string, mark of an end by reuse
  ARGV[1]  family id

  Returns  {sealed record or '', sealed successor or '', 1 when ended by reuse, else 0, the server's time, epoch ms}
]]
local time = redis.call('TIME')
return {
  redis.call('HGET', KEYS[1], ARGV[1]) or '',
  redis.call('GET', KEYS[2]) or '',
  redis.call('EXISTS', KEYS[3]),
  time[1] * 1000 + math.floor(time[2] / 1000),
}
