// What of Lua's library a script has: nothing that reads or writes files, starts programs, loads
// other code than text, or reaches into the interpreter.
#pragma once

struct lua_State;

namespace proxenos::filters::lua {

// May raise errors.
void OpenSandbox(lua_State* lua);

}  // namespace proxenos::filters::lua
