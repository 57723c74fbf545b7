// What of the Lua filter is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> LuaFields() {
  constexpr std::string_view kPaths =
      "scripts load no files: write what a module has into the script itself";
  constexpr std::string_view kLibraries =
      "scripts load no native code, which could do to the process what it likes";
  return {
      {"envoy.extensions.filters.http.lua.v3.Lua",
       {
           Use("default_source_code inline_code source_codes stat_prefix clear_route_cache "
               "filter_context"),
           Refuse("package_paths", kPaths),
           Refuse("package_cpaths", kLibraries),
       }},
      {"envoy.extensions.filters.http.lua.v3.LuaPerRoute",
       {
           Use("disabled name source_code filter_context"),
           Refuse("package_paths", kPaths),
           Refuse("package_cpaths", kLibraries),
       }},
  };
}

}  // namespace proxenos::config
