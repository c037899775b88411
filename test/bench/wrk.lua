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
  local host = wrk.headers['Host'] or (wrk.host .. ':' .. wrk.port)
  local more = ''
  for name, value in pairs(wrk.headers) do
    if name ~= 'Host' then more = more .. name .. ': ' .. value .. '\r\n' end
  end
  -- LuaJIT hashes a long string by its first and last four bytes and four more each at a quarter and at the half of it. The
  -- form ends in the token; in a GET the token lies around the half. Otherwise 100,000 requests would share one hash.
  local function format(token)
    if form then
      local body = form .. token
      return 'POST ' .. wrk.path .. ' HTTP/1.1\r\nHost: ' .. host .. '\r\nUser-Agent: bench/1.0\r\n'
        .. 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ' .. #body .. '\r\n\r\n' .. body
    end
    local authorization = token ~= '' and ('Authorization: Bearer ' .. token .. '\r\n') or ''
    return 'GET /things/1?view=short HTTP/1.1\r\nHost: ' .. host .. '\r\n' .. authorization
      .. more .. 'Accept: */*\r\nUser-Agent: bench/1.0\r\n\r\n'
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
