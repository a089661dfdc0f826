"""The few steps that must happen at once, as scripts of the store (Redis 7.0 or Valkey 7.2).

`allow-oom`: a full store refuses every writing command, and a MULTI that holds one, but a bad
version must be taken back exactly then. `versions` entries are StoredVersion, `,`-joined.
"""

_HEAD = "#!lua flags=allow-oom\n"

_VERSIONS = """
local function entry_of(id)
  local value = redis.call('HGET', 'versions', id)
  if not value then return nil end
  local number, buckets, position, retired = string.match(value, '^(%d+),(%d+),(%d+),(%d+)$')
  return {number = tonumber(number), buckets = buckets, position = position, retired = retired}
end
local function keep(id, entry)
  redis.call('HSET', 'versions', id, string.format('%d,%s,%s,%s',
    entry.number, entry.buckets, entry.position, entry.retired))
end
local function now_ms()
  local time = redis.call('TIME')
  return string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
end
-- `number`: 0 takes the version out of the row that rollback walks back along
local function retire(id, number)
  local entry = id and entry_of(id)
  if not entry then return end
  entry.retired = now_ms()
  entry.number = number or entry.number
  keep(id, entry)
end
-- the version flipped to last before `below`, other than `but`
local function previous(below, but)
  local best, best_number = nil, 0
  local all = redis.call('HGETALL', 'versions')
  for i = 1, #all, 2 do
    local number = tonumber(string.match(all[i + 1], '^(%d+)'))
    if number < below and number > best_number and all[i] ~= but then
      best, best_number = all[i], number
    end
  end
  return best
end
-- after a rollback by hand: what was rolled back from must not come back by a second one
local function forget_above(number)
  local all = redis.call('HGETALL', 'versions')
  for i = 1, #all, 2 do
    if tonumber(string.match(all[i + 1], '^(%d+)')) > number then retire(all[i], 0) end
  end
end
local function point_rollback(id)
  if id then redis.call('SET', 'ptr:rollback', id) else redis.call('DEL', 'ptr:rollback') end
end
"""

# ARGV: pen that was there ('' for none), new pen
TAKE_PEN = (
    _HEAD
    + """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 'taken' end
redis.call('SET', KEYS[1], ARGV[2])
return 'ok'
"""
)

# ARGV: pen
LAY_DOWN_PEN = (
    _HEAD
    + """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'ok'
"""
)

# ARGV: pen, id, buckets, ledger position
STAGE = (
    _HEAD
    + _VERSIONS
    + """
if redis.call('GET', 'ptr:publisher') ~= ARGV[1] then return 'fenced' end
if redis.call('HEXISTS', 'versions', ARGV[2]) == 1 then return 'present' end
keep(ARGV[2], {number = 0, buckets = ARGV[3], position = ARGV[4], retired = '0'})
redis.call('SET', 'ptr:next', ARGV[2])
return 'ok'
"""
)

# ARGV: pen, id, id expected in `current` ('' for none)
FLIP = (
    _HEAD
    + _VERSIONS
    + """
if redis.call('GET', 'ptr:publisher') ~= ARGV[1] then return 'fenced' end
local served = redis.call('GET', 'current')
if (served or '') ~= ARGV[3] then return 'moved' end
if redis.call('GET', 'ptr:next') ~= ARGV[2] then return 'restaged' end
local entry = entry_of(ARGV[2])
if not entry or redis.call('EXISTS', 'm:' .. ARGV[2]) == 0 then return 'incomplete' end
local last = previous(math.huge, ARGV[2])
entry.number = 1 + (last and entry_of(last).number or 0)
redis.call('RENAME', 'ptr:next', 'current')
local before = served and entry_of(served)
if before then forget_above(before.number) end
retire(served)
keep(ARGV[2], entry)
point_rollback(served)
return 'ok'
"""
)

# ARGV: id expected in ptr:rollback
ROLLBACK = (
    _HEAD
    + _VERSIONS
    + """
local target = redis.call('GET', 'ptr:rollback')
if target ~= ARGV[1] then return 'moved' end
local entry = entry_of(target)
if not entry or redis.call('EXISTS', 'm:' .. target) == 0 then return 'incomplete' end
local served = redis.call('GET', 'current')
redis.call('RENAME', 'ptr:rollback', 'current')
retire(served, 0)
entry.retired = '0'
keep(target, entry)
point_rollback(previous(entry.number, target))
return 'ok'
"""
)

# ARGV: pen, id. From here on nobody can return to the version, and readers see that it is gone.
CONDEMN = (
    _HEAD
    + _VERSIONS
    + """
if redis.call('GET', 'ptr:publisher') ~= ARGV[1] then return 'fenced' end
local served = redis.call('GET', 'current')
if served == ARGV[2] then return 'served' end
local entry = entry_of(ARGV[2])
if not entry then return 'ok' end
redis.call('UNLINK', 'm:' .. ARGV[2])
entry.number = 0
keep(ARGV[2], entry)
if redis.call('GET', 'ptr:rollback') == ARGV[2] then
  local now = served and entry_of(served)
  point_rollback(now and previous(now.number, served))
end
return 'ok'
"""
)

# KEYS: live marks; ARGV: ledger position. Compares and deletes at once, for a newer mark may come.
DROP_MARKS = (
    _HEAD
    + """
local dropped = 0
for _, key in ipairs(KEYS) do
  local mark = redis.call('GET', key)
  local seq = mark and tonumber(string.match(mark, ':(%d+)$'))
  if seq and seq <= tonumber(ARGV[1]) then dropped = dropped + redis.call('UNLINK', key) end
end
return dropped
"""
)
