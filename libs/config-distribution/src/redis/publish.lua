--[[
  Stores a change of one proxy unless a later or the same deployment is held, then announces it.

  KEYS[1]  hash    heads: proxy id -> deployment
  KEYS[2]  hash    artifacts: proxy id -> "<deployment> <sealed>"
  KEYS[3]  stream  log: "<sequence>-0" -> p (proxy id), d (deployment), r (sealed record)
  KEYS[4]  hash    position: epoch, sequence, told
  KEYS[5]  hash    sequences: proxy id -> sequence of its newest record
  KEYS[6]  hash    last good: proxy id -> "<newest deployment> <its own deployment> <note> <sealed>"
  ARGV[1]  proxy id        ARGV[2]  deployment, decimal     ARGV[3]  sealed record
  ARGV[4]  sealed artifact, or "" for a tombstone           ARGV[5]  epoch to begin when there is none
  ARGV[6]  channel to announce on
  ARGV[7]  a held deployment that is known to be a lie, or "": it is overwritten, any other one stands
  ARGV[8]  the deployment whose artifact stays beside the new one, or "": none   ARGV[9]  its note, without blanks
  ARGV[10] the longest artifact that is announced with its change, in bytes

  An epoch begins when there is none, and when the log does not end where the position says: then somebody else wrote
  there, or a part was lost. Remains of an earlier log must not stand in its way. In a new epoch nobody has been told of:
  see note-told.lua.

  The record comes first and nothing after it can fail, so that a head never speaks of a record that is not there.

  What is announced: [epoch, sequence, proxy id, deployment, sealed record, sealed artifact or ""], all texts.

  Returns  {"published", epoch, sequence} | {"repeated", epoch, sequence} | {"stale", held deployment}
]]
local function whole(text)
  if text and string.match(text, '^%d+$') then return tonumber(text) end
  return 0
end
local function decimal(number) return string.format('%.0f', number) end

local epoch = redis.call('HGET', KEYS[4], 'epoch')
local head = redis.call('HGET', KEYS[1], ARGV[1])
local held = whole(head)
local deployment = tonumber(ARGV[2])
local logged = epoch and whole(redis.call('HGET', KEYS[5], ARGV[1])) or 0
if ARGV[7] ~= '' and held == tonumber(ARGV[7]) then
  held = 0
  logged = 0
end
if logged > 0 and deployment == held then
  redis.call('PUBLISH', ARGV[6], ARGV[2])
  return { 'repeated', epoch, decimal(logged) }
end
if deployment < held then return { 'stale', head } end

local function append(sequence)
  return redis.pcall('XADD', KEYS[3], decimal(sequence) .. '-0', 'p', ARGV[1], 'd', ARGV[2], 'r', ARGV[3])
end
-- Taken from where the newest one stood until now, or from beside it.
local function lastGood()
  if ARGV[4] == '' or ARGV[8] == '' then return nil end
  local newest = redis.call('HGET', KEYS[2], ARGV[1])
  local deployment, sealed = string.match(newest or '', '^(%d+) (.*)$')
  if deployment == ARGV[8] then return sealed end
  local kept = redis.call('HGET', KEYS[6], ARGV[1])
  deployment, sealed = string.match(kept or '', '^%d+ (%d+) %S+ (.*)$')
  if deployment == ARGV[8] then return sealed end
  return nil
end
local good = lastGood()
if good then
  redis.call('HSET', KEYS[6], ARGV[1], table.concat({ ARGV[2], ARGV[8], ARGV[9], good }, ' '))
else
  redis.call('HDEL', KEYS[6], ARGV[1])
end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
end
local sequence = 0
if epoch then
  local ended = whole(redis.call('HGET', KEYS[4], 'sequence'))
  local last = redis.pcall('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
  local isWhole = not last.err and (last[1] and last[1][1] or '0-0') == decimal(ended) .. '-0'
  if isWhole and type(append(ended + 1)) == 'string' then sequence = ended + 1 end
end
if sequence == 0 then
  epoch = ARGV[5]
  sequence = 1
  redis.call('DEL', KEYS[3], KEYS[5])
  redis.call('HSET', KEYS[4], 'told', '')
  append(sequence)
end
redis.call('HSET', KEYS[4], 'epoch', epoch, 'sequence', decimal(sequence))
redis.call('HSET', KEYS[5], ARGV[1], decimal(sequence))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local announced = #ARGV[4] <= tonumber(ARGV[10]) and ARGV[4] or ''
local message = { epoch, decimal(sequence), ARGV[1], ARGV[2], ARGV[3], announced }
redis.call('PUBLISH', ARGV[6], cjson.encode(message))
return { 'published', epoch, decimal(sequence) }
