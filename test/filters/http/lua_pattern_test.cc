// Patterns: the same as those of the library, of which every function is tried beside ours, and
// what they may take.
#include <cstdint>
#include <luajit-2.1/lua.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/filters/http/lua/patterns.h"

namespace proxenos::filters::lua {
namespace {

// A state with the library, whose functions are in `string`, and ours, in `ours`.
class PatternsTest : public ::testing::Test {
 protected:
  PatternsTest() : lua_(luaL_newstate()) {
    luaL_openlibs(lua_);
    lua_newtable(lua_);
    SetPatternFunctions(lua_, &steps_);
    lua_setglobal(lua_, "ours");
    Run(R"(
      function tell(...)
        local out = {}
        for i = 1, select('#', ...) do
          local one = select(i, ...)
          out[i] = type(one) .. ':' .. tostring(one)
        end
        return table.concat(out, ',')
      end
      function all(functions, name, s, p, r)
        local f = functions[name]
        if name ~= 'gmatch' then
          local got = {pcall(f, s, p, r)}
          if not got[1] then got = {false, (tostring(got[2]):gsub('^.-:%d+: ', ''))} end
          return tell(unpack(got, 1, table.maxn(got)))
        end
        local out = {}
        local good, why = pcall(function()
          for a, b in f(s, p) do
            out[#out + 1] = tell(a, b)
            if #out > 1000 then return end
          end
        end)
        if not good then out[#out + 1] = 'error' end
        return table.concat(out, ';')
      end
    )");
  }
  ~PatternsTest() override { lua_close(lua_); }

  void Run(const std::string& code) {
    ASSERT_EQ(luaL_dostring(lua_, code.c_str()), 0) << lua_tostring(lua_, -1);
  }
  // all(functions, name, text, pattern, third), as text. `third`: Lua.
  std::string All(const char* functions, const char* name, const std::string& text,
                  const std::string& pattern, const std::string& third) {
    steps_ = 1'000'000;
    lua_getglobal(lua_, "all");
    lua_getglobal(lua_, functions);
    lua_pushstring(lua_, name);
    lua_pushlstring(lua_, text.data(), text.size());
    lua_pushlstring(lua_, pattern.data(), pattern.size());
    if (luaL_dostring(lua_, ("return " + third).c_str()) != 0) return "broken";
    lua_call(lua_, 5, 1);
    std::string told(lua_tostring(lua_, -1), lua_objlen(lua_, -1));
    lua_pop(lua_, 1);
    return told;
  }
  void Same(const std::string& text, const std::string& pattern) {
    for (const char* third : {"nil", "2", "-3", "100", "-100"}) {
      for (const char* name : {"find", "match"}) {
        ASSERT_EQ(All("ours", name, text, pattern, third),
                  All("string", name, text, pattern, third))
            << name << " '" << text << "' '" << pattern << "' " << third;
      }
    }
    ASSERT_EQ(All("ours", "gmatch", text, pattern, "nil"),
              All("string", "gmatch", text, pattern, "nil"))
        << "gmatch '" << text << "' '" << pattern << "'";
    for (const char* third :
         {"'<%0>'", "'%1-%2'", "'%%'", "7", "{a = 'A', b = true, [1] = 'one'}",
          "function(x, y) if x == 'b' then return nil end return tostring(y) .. tostring(x) end"}) {
      ASSERT_EQ(All("ours", "gsub", text, pattern, third),
                All("string", "gsub", text, pattern, third))
          << "gsub '" << text << "' '" << pattern << "' " << third;
    }
  }

  lua_State* const lua_;
  uint64_t steps_ = 0;
};

TEST_F(PatternsTest, TheLibrarysOwn) {
  const std::string texts[] = {"",          "a",          "hello world",     "key = value",
                               "f(a(b)c)d", "2024-01-31", "THE (quick) fox", "\x01\xff\xe9 x",
                               "aaab",      "%d$^",       "[x]-]y"};
  const char* patterns[] = {"",
                            "l+",
                            "^h",
                            "o$",
                            "(%w+)%s*=%s*(%w+)",
                            "%b()",
                            "()",
                            "(%d+)-(%d+)-(%d+)",
                            "%f[%w]%w+",
                            "[^%s]+",
                            "[a-c%d]",
                            "[]]",
                            "[^]]",
                            "[a-]",
                            "[%a-z]",
                            "a-b",
                            "a-",
                            "(a*)(.)%1",
                            "%u%U",
                            "x?y?z?",
                            ".-",
                            "^",
                            "$",
                            "%",
                            "[",
                            "[a",
                            "(",
                            ")",
                            "(()",
                            "%1",
                            "(a)%2",
                            "%b",
                            "%bx",
                            "%f",
                            "%g+",
                            "%p",
                            "%c",
                            "%x%X",
                            "[%]]",
                            "(a)(b)(c)?",
                            "a**",
                            "^^h",
                            "[^",
                            "[]",
                            "%0",
                            "((a)b)",
                            "()a()",
                            "(()a)%1",
                            "[%",
                            "a%",
                            "[z-a]",
                            "%z?"};
  for (const std::string& text : texts) {
    for (const char* pattern : patterns) Same(text, pattern);
  }
}

TEST_F(PatternsTest, WhateverTheyAre) {
  const char* const parts[] = {"a",    "b",  "(",    ")",    "%",     "[", "]",  "^",
                               "$",    "*",  "+",    "-",    "?",     ".", "%a", "%1",
                               "%b()", "()", "[ab]", "[^a]", "%f[a]", "x"};
  base::Random random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text, pattern;
    for (uint64_t n = random.Next() % 8; n > 0; --n) text += "ab(x)"[random.Next() % 5];
    for (uint64_t n = random.Next() % 6; n > 0; --n) {
      pattern += parts[random.Next() % (sizeof(parts) / sizeof(parts[0]))];
    }
    Same(text, pattern);
    if (HasFatalFailure()) return;
  }
}

TEST_F(PatternsTest, StepsRunOut) {
  const std::string text(5000, 'a');
  const auto ends = [&](const char* name, const std::string& pattern) {
    const bool replaces = absl::string_view(name) == "gsub";
    return All("ours", name, text, pattern, replaces ? "''" : "nil");
  };
  for (const char* name : {"find", "match", "gsub"}) {
    EXPECT_EQ(ends(name, "a*a*a*a*b"), "boolean:false,string:patterns took too many steps");
    EXPECT_EQ(steps_, 0u);
  }
  EXPECT_EQ(ends("gmatch", "a*a*a*a*b"), "error");
  EXPECT_EQ(ends("match", "^" + std::string(250, '(')),
            All("string", "match", text, "^" + std::string(250, '('), "nil"));
  EXPECT_NE(ends("find", "a+$").find("number:5000"), std::string::npos);
  EXPECT_GT(steps_, 900'000u);
  // A set is read to its end, whether there is text left for it or not.
  All("ours", "find", "", absl::StrCat("[", std::string(400'000, 'a'), "]"), "nil");
  EXPECT_LT(steps_, 910'000u);
}

}  // namespace
}  // namespace proxenos::filters::lua
