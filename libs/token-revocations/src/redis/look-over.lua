--[[
  Gives some entries, wherever they are listed, to whoever can tell which of them are worth their room.

  KEYS[1]  hash, id -> sealed entry
  ARGV[1]  cursor, '0' to begin     ARGV[2]  about how many     ARGV[3]  longest text that is given

  Returns  {next cursor, for each entry: its id, its text or '' when that is longer}
]]
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local answer, longest = { page[1] }, tonumber(ARGV[3])
for i = 1, #page[2], 2 do
  answer[#answer + 1] = page[2][i]
  answer[#answer + 1] = #page[2][i + 1] <= longest and page[2][i + 1] or ''
end
return answer
