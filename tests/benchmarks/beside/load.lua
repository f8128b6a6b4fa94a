-- One round of load, for wrk: what is sent comes from a file, the figures leave on standard error.
-- The file: status, what the body holds, how often ("again", "once", "end"), number of requests; then each request
-- after its length, as it goes over the wire; then the order in which they go, where it is not theirs.
-- "once": none may be sent twice; "end": the round ends within a tenth of a second after the last of them.
local ffi = require('ffi')
ffi.cdef('int getpid(void); int kill(int, int);')
local INTERRUPT = 2

local requests, order, drawn = {}, {}, 0
local status, holds, often
wrong, repeated, sample = 0, 0, '' -- read by the main thread

function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  status, holds, often = tonumber(file:read('*l')), file:read('*l'), file:read('*l')
  for _ = 1, tonumber(file:read('*l')) do
    requests[#requests + 1] = file:read(tonumber(file:read('*l')))
  end
  for line in file:lines() do order[#order + 1] = tonumber(line) end
  file:close()
  if #order == 0 then
    for place = 1, #requests do order[place] = place end
  end
end

function request()
  local place = drawn % #order + 1
  if drawn >= #order then
    if often == 'once' then repeated = repeated + 1 end
    if often == 'end' and drawn == #order then ffi.C.kill(ffi.C.getpid(), INTERRUPT) end
  end
  drawn = drawn + 1
  return requests[order[place]]
end

function response(code, _headers, body)
  if code == status and string.find(body, holds, 1, true) then return end
  wrong = wrong + 1
  if sample == '' then sample = code .. ' ' .. string.sub(body, 1, 300) end
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency)
  local failed, seen, failures = 0, '', summary.errors
  for _, thread in ipairs(threads) do
    failed = failed + thread:get('wrong') + thread:get('repeated')
    if seen == '' then seen = thread:get('sample') end
  end
  failed = failed + failures.connect + failures.read + failures.write + failures.timeout
  local figures = { summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed }
  io.stderr:write(table.concat(figures, ' '), '\n', seen)
end
