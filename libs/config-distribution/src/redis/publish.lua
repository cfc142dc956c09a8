--[[
  Stores a change of one proxy unless a later or the same deployment is held, then announces it.

  KEYS[1]  hash    heads: proxy id -> deployment
  KEYS[2]  hash    artifacts: proxy id -> "<deployment> <sealed>"
  KEYS[3]  stream  log: "<sequence>-0" -> p (proxy id), d (deployment), r (sealed record)
  KEYS[4]  hash    position: epoch, sequence
  KEYS[5]  hash    sequences: proxy id -> sequence of its newest record
  ARGV[1]  proxy id        ARGV[2]  deployment, decimal     ARGV[3]  sealed record
  ARGV[4]  sealed artifact, or "" for a tombstone           ARGV[5]  epoch to begin when there is none
  ARGV[6]  channel to announce on

  An epoch begins when there is none. Remains of an earlier log, of which Redis lost a part, must not stand in its way.

  Returns  {"published", epoch, sequence} | {"repeated", epoch, sequence} | {"stale", held deployment}
]]
local epoch = redis.call('HGET', KEYS[4], 'epoch')
local held = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local deployment = tonumber(ARGV[2])
local logged = epoch and redis.call('HGET', KEYS[5], ARGV[1])
if logged and deployment == held then
  redis.call('PUBLISH', ARGV[6], ARGV[2])
  return { 'repeated', epoch, logged }
end
if deployment < held then return { 'stale', tostring(held) } end
if not epoch then
  epoch = ARGV[5]
  redis.call('HSET', KEYS[4], 'epoch', epoch)
  redis.call('DEL', KEYS[3], KEYS[5])
end
local sequence = redis.call('HINCRBY', KEYS[4], 'sequence', 1)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[5], ARGV[1], sequence)
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
end
redis.call('XADD', KEYS[3], sequence .. '-0', 'p', ARGV[1], 'd', ARGV[2], 'r', ARGV[3])
redis.call('PUBLISH', ARGV[6], ARGV[2])
return { 'published', epoch, tostring(sequence) }
