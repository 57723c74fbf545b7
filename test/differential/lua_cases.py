"""One Lua script for both proxies, and the requests whose paths choose what it does."""

from h1_requests import get, raw

SCRIPT = """
local act, back = {}, {}

act["/fields"] = function(h)
  local f = h:headers()
  f:add("x-all", (f:get("x-a") or "nil") .. f:getNumValues("x-a") .. (f:getAtIndex("x-a", 1) or "nil"))
  f:replace("x-b", "new")
  f:add("X-Upper", "added")
  f:remove("x-c")
end
act["/pairs"] = function(h)
  local seen = {}
  for name, value in pairs(h:headers()) do
    if name:sub(1, 3) == "x-a" or name == ":method" or name == ":path" then seen[#seen + 1] = name .. "=" .. value end
  end
  table.sort(seen)
  h:headers():add("x-seen", table.concat(seen, ";"))
end
act["/rewrite"] = function(h) h:headers():replace(":path", "/elsewhere?by=lua") h:headers():replace(":authority", "other.example") end
act["/respond"] = function(h) h:respond({[":status"] = "403", ["x-why"] = {"one", "two"}}, "nope") end
act["/empty"] = function(h) h:respond({[":status"] = "204"}) end
act["/error"] = function(h) h:headers():add("x-before", "1") error("on purpose") end
act["/body"] = function(h)
  local body = h:body()
  h:headers():add("x-body", body and (body:length() .. body:getBytes(0, 2)) or "none")
end
act["/replace"] = function(h) h:body(true):setBytes("made by lua") end
act["/chunks"] = function(h)
  local size = 0
  for chunk in h:bodyChunks() do size = size + chunk:length() end
  h:streamInfo():dynamicMetadata():set("s", "size", size)
end
act["/info"] = function(h)
  local info = h:streamInfo()
  h:headers():add("x-info", info:protocol() .. "," .. info:requestedServerName() .. "," .. info:virtualClusterName())
end
act["/encode"] = function(h) h:headers():add("x-encoded", h:base64Escape("a\\0b") .. tostring(h:base64Decode("!!!"))) end
act["/metadata"] = function(h) h:streamInfo():dynamicMetadata():set("s", "v", {list = {1, 2.5, true}, text = "t"}) end
act["/call"] = function(h)
  local fields, body = h:httpCall("origin", {[":method"] = "GET", [":path"] = "/side", [":authority"] = "side"}, nil, 5000)
  h:headers():add("x-called", fields[":status"] .. (body and "body" or "none"))
end

back["/chunks"] = function(h) h:headers():add("x-size", h:streamInfo():dynamicMetadata():get("s").size) end
back["/metadata"] = function(h)
  local v = h:streamInfo():dynamicMetadata():get("s").v
  h:headers():add("x-v", v.text .. v.list[2] .. tostring(v.list[3]))
end
back["/back/body"] = function(h) h:body(true):setBytes("<" .. h:headers():get(":status") .. ">") end
back["/back/status"] = function(h) h:headers():replace(":status", "299") h:headers():setHttp1ReasonPhrase("By Lua") end
back["/back/error"] = function(h) h:headers():add("x-before", "1") local nothing = nil; nothing.x = 1 end
back["/respond"] = function(h) h:headers():add("x-back", "seen") end

local path
function envoy_on_request(h)
  path = h:headers():get(":path")
  h:streamInfo():dynamicMetadata():set("s", "path", path)
  if act[path] then act[path](h) end
end
function envoy_on_response(h)
  local of = back[h:streamInfo():dynamicMetadata():get("s").path]
  if of then of(h) end
end
"""


def sent(path, body):
    return raw(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n{body}")


REQUESTS = [
    ("fields", get("/fields", "x-a: 1", "x-a: 2", "x-b: old", "x-c: gone")), ("no fields", get("/fields")),
    ("pairs", get("/pairs", "x-a: 1", "X-Ab: 2")), ("rewrite", get("/rewrite")), ("respond", get("/respond")),
    ("empty", get("/empty")), ("error", get("/error")),
    ("body", sent("/body", "abcdef")), ("no body", get("/body")), ("replaced", sent("/replace", "abc")),
    ("made", get("/replace")), ("pieces", sent("/chunks", "abcdef")), ("no pieces", get("/chunks")), ("info", get("/info")),
    ("encode", get("/encode")), ("metadata", get("/metadata")), ("call", get("/call")), ("call with a body", sent("/call", "abc")),
    ("body of a response", get("/back/body")), ("status", get("/back/status")), ("error of a response", get("/back/error")), ("none", get())]
