/**
 * GCRA in Lua, for Redis 5 and later and Valkey; the maths of policy/rate-limit, in microseconds.
 *
 *     KEYS[1]  where the theoretical arrival time is kept
 *     ARGV     what a request costs, what may be spent at once
 *     reply    [1 | 0, spare if let through or else the wait, until all may be spent again]
 *
 * An arrival time further away than a burst cannot have come from here: the server's clock went back, or the limit was
 * made smaller. It counts as a burst, so that nobody waits for longer than that.
 */
export const GCRA_SCRIPT = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local owed = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
local before = math.min(math.max(owed, now), now + burst)
local arrival = before + cost
local spare = now + burst - arrival
if spare < -cost / 1000000 then
	return { 0, string.format('%.3f', -spare), string.format('%.3f', before - now) }
end
redis.call('SET', KEYS[1], string.format('%.17g', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return { 1, string.format('%.3f', spare), string.format('%.3f', arrival - now) }
`;
