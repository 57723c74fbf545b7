// What of Lua's library a script has: nothing that reads or writes files, starts programs, loads
// other code than text, or reaches into the interpreter.
#pragma once

#include <cstdint>

struct lua_State;

namespace proxenos::filters::lua {

// May raise errors. Patterns take their steps of `pattern_steps`, which outlives the state.
void OpenSandbox(lua_State* lua, uint64_t* pattern_steps);

}  // namespace proxenos::filters::lua
