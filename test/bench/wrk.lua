-- wrk: one bearer token for all requests, or another one each (from a file, a token a line); a pause between requests
-- where a steady rate is wanted; the figures as one line of JSON at the end.
-- Arguments after `--`: mode (one|each), token or file, milliseconds between two requests of a connection, where in the
-- file to begin, and a form to post: the token is put at its end instead of into a header.

local pauseMs = 0
local requests = {}
local at = 0

function init(args)
  pauseMs = tonumber(args[3] or '0')
  local form = args[5]
  local function format(token)
    if form then
      local headers = { ['Content-Type'] = 'application/x-www-form-urlencoded', ['User-Agent'] = 'bench/1.0' }
      return wrk.format('POST', nil, headers, form .. token)
    end
    local headers = { ['Accept'] = '*/*', ['User-Agent'] = 'bench/1.0' }
    if token ~= '' then headers['Authorization'] = 'Bearer ' .. token end
    return wrk.format('GET', '/things/1?view=short', headers)
  end
  if args[1] == 'each' then
    for line in io.lines(args[2]) do requests[#requests + 1] = format(line) end
    at = math.floor(tonumber(args[4] or '0'))
  else
    requests[1] = format(args[2] or '')
  end
end

function request()
  at = at + 1
  if at > #requests then at = 1 end
  return requests[at]
end

function delay() return pauseMs end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"badStatus":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
