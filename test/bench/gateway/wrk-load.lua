-- wrk -s wrk-load.lua <url> -- <file of bearer tokens or ""> <first> <count> <mean pause in ms>
-- Asks with so many tokens in turn, from the first on; prints what came of it as one line of JSON.
local requests, at, pause = {}, 0, 0

function init(args)
  local file, first, count = args[1], tonumber(args[2]), tonumber(args[3])
  pause = tonumber(args[4])
  local headers = { ["Host"] = wrk.host .. ":" .. wrk.port, ["Accept"] = "application/json", ["User-Agent"] = "bench/1.0" }
  if file == "" then
    requests[1] = wrk.format("GET", wrk.path, headers)
    return
  end
  local tokens = {}
  for line in io.lines(file) do tokens[#tokens + 1] = line end
  for index = 0, count - 1 do
    headers["Authorization"] = "Bearer " .. tokens[(first + index) % #tokens + 1]
    requests[#requests + 1] = wrk.format("GET", wrk.path, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"refused":%d,"broken":%d,"p50Micros":%d,"p99Micros":%d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end

-- wrk asks for a pause before each request if there is such a function; a uniform one keeps connections apart.
if os.getenv("WRK_PAUSE") then
  function delay() return math.random(0, 2 * pause) end
end
