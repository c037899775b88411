-- Asks Tollgate whether a request may pass. Sets txn.tollgate_passed when it may; else answers the caller as Tollgate said.
-- Everything unexpected is a refusal: haproxy.cfg forwards nothing without txn.tollgate_passed.

local address = os.getenv("TOLLGATE_AUTH") or "http://127.0.0.1:9180/"

-- Headers of Tollgate's answer that are the identity, in lower case: those of identity.headers.
local identity = { "x-identity", "x-identity-user", "x-identity-org", "x-identity-scopes", "x-identity-token" }

-- Of the caller's connection, or set below.
local unasked = {
  ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["keep-alive"] = true, ["te"] = true,
  ["trailer"] = true, ["expect"] = true, ["x-forwarded-for"] = true, ["x-forwarded-proto"] = true,
  ["x-original-method"] = true, ["x-original-uri"] = true, ["x-original-url"] = true,
}

-- The question: the caller's headers, and the request in X-Original-*.
local function question(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not unasked[name:lower()] then
      local lines = {}
      for _, value in pairs(values) do lines[#lines + 1] = value end
      headers[name] = lines
    end
  end
  headers["x-original-method"] = { txn.f:method() }
  headers["x-original-uri"] = { txn.f:pathq() }
  headers["x-forwarded-for"] = { txn.f:src() }
  headers["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" }
  return headers
end

local function first(answer, name)
  local values = answer.headers and answer.headers[name]
  return values and values[0]
end

local function refuse(txn, answer)
  local reply = txn:reply()
  local status = answer and answer.status or 0
  -- Each answer of Tollgate has an X-Request-Id; HAProxy makes a 503 of its own where it cannot connect.
  if status < 400 or status > 599 or not first(answer, "x-request-id") then
    reply:set_status(503)
    reply:add_header("content-type", "application/problem+json")
    reply:add_header("cache-control", "no-store")
    reply:set_body('{"type":"about:blank","title":"Service Unavailable","status":503,' ..
      '"detail":"The request could not be judged. Try again in a moment."}\n')
    return txn:done(reply)
  end
  reply:set_status(status)
  for _, name in ipairs({ "content-type", "cache-control", "www-authenticate", "retry-after", "allow", "x-request-id" }) do
    local value = first(answer, name)
    if value then reply:add_header(name, value) end
  end
  reply:set_body(txn.f:method() == "HEAD" and "" or (answer.body or ""))
  txn:done(reply)
end

core.register_action("tollgate", { "http-req" }, function(txn)
  local client = core.httpclient()
  local answer = client:get{ url = address, headers = question(txn), timeout = 15000 }
  if not answer or answer.status ~= 200 then return refuse(txn, answer) end
  -- What callers may not send, and the credential; then what Tollgate says.
  for name in (first(answer, "x-tollgate-remove") or ""):gmatch("[^,%s]+") do txn.http:req_del_header(name) end
  for _, name in ipairs({ "x-original-method", "x-original-uri", "x-original-url" }) do txn.http:req_del_header(name) end
  for _, name in ipairs(identity) do
    txn.http:req_del_header(name)
    local value = first(answer, name)
    if value then txn.http:req_set_header(name, value) end
  end
  local authorization = first(answer, "authorization")
  if authorization then txn.http:req_set_header("authorization", authorization) end
  local id = first(answer, "x-request-id")
  if id then txn.http:req_set_header("x-request-id", id) end
  txn:set_var("txn.tollgate_passed", true)
end, 0)
