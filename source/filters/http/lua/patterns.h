// string.find, match, gmatch and gsub, whose steps are counted (pattern.h).
//
// Thread: the script's.
#pragma once

#include <cstdint>

struct lua_State;

namespace proxenos::filters::lua {

// Puts them in the place of the library's in the table on top of the stack. Each call takes of
// `steps`, which outlives the state.
void SetPatternFunctions(lua_State* lua, uint64_t* steps);

}  // namespace proxenos::filters::lua
