// Settings: what the Lua filter was configured with, compiled. Thread: any (immutable).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "source/json/value.h"

namespace proxenos::filters::lua {

// A script that was loaded once, to see that it can be.
struct Script {
  std::string name;  // What errors call it.
  std::string source;
  bool on_request = false;  // It has envoy_on_request.
  bool on_response = false;
};

struct Settings {
  std::shared_ptr<const Script> script;  // default_source_code; null: none.
  std::map<std::string, std::shared_ptr<const Script>, std::less<>> named;  // source_codes
  json::Object context;                                                     // filter_context
  bool clear_route_cache = true;
};

// LuaPerRoute.
struct RouteSettings {
  bool disabled = false;
  std::string name;                      // Of Settings::named; empty: it chooses none.
  std::shared_ptr<const Script> script;  // source_code; null: it has none.
  std::optional<json::Object> context;
};

}  // namespace proxenos::filters::lua
