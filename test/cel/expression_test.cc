// What expressions evaluate to, by the specification of the language.
#include "source/cel/expression.h"

#include <string>

#include "gtest/gtest.h"
#include "test/cel/table_attributes.h"

namespace proxenos::cel {
namespace {

std::string Show(const Value& value, Memory& memory) {
  if (value.IsError()) return std::string("error: ") + value.bytes;
  if (value.kind == Value::Kind::kNull) return "null";
  if (value.kind == Value::Kind::kString) return "'" + std::string(value.text()) + "'";
  if (value.kind == Value::Kind::kBytes) return "b'" + std::string(value.text()) + "'";
  if (value.kind == Value::Kind::kUint) return *ToText(value) + "u";
  if (value.IsList()) {
    std::string out = "[";
    for (size_t i = 0; i < value.Count(); ++i) {
      out += (i == 0 ? "" : ",") + Show(value.At(i), memory);
    }
    return out + "]";
  }
  if (value.IsMap()) return "map of " + std::to_string(value.Count());
  return *ToText(value);
}

constexpr Options kAll{true, true, true};

std::string Evaluate(absl::string_view text, const Options& options = kAll) {
  const auto expression = Expression::Compile(text, options);
  if (!expression.ok()) return "refused: " + std::string(expression.status().message());
  const TableAttributes attributes;
  Memory memory;
  return Show((*expression)->Evaluate(attributes, memory), memory);
}

struct Case {
  const char* text;
  const char* result;
};

void Check(absl::Span<const Case> cases) {
  for (const Case& one : cases) EXPECT_EQ(Evaluate(one.text), one.result) << one.text;
}

TEST(Expression, Literals) {
  Check({
      {"1", "1"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "refused: at byte 0: a number that no int holds"},
      {"0xFf", "255"},
      {"-0x10", "-16"},
      {"18446744073709551615u", "18446744073709551615u"},
      {"1.5e3", "1500"},
      {".5", "0.5"},
      {"true", "true"},
      {"null", "null"},
      {R"('a\'\n\x41\u00e9\101')",
       "'a'\nA\xc3\xa9"
       "A'"},
      {R"(r'\n')", R"('\n')"},
      {R"("""a"b
c""")",
       "'a\"b\nc'"},
      {R"(b'\xff\377')", "b'\xff\xff'"},
      {R"(b"\u00e9")", "refused: at byte 2: an escape that there is not"},
      {"'a", "refused: at byte 0: a text without an end"},
      {"[1, 'a', [true]]", "[1,'a',[true]]"},
      {"[1,]", "[1]"},
      {"{'a': 1, 'b': 2}", "map of 2"},
      {"{'a': 1}['a']", "1"},
      {"{1: 'x'}[1u]", "'x'"},
      {"{'a': 1, 'a': 2}", "error: a key twice"},
      {"{1.5: 2}", "error: a key of another kind"},
      {"// why\n1 // yes", "1"},
  });
}

TEST(Expression, ArithmeticOverflowsAreErrors) {
  Check({
      {"1 + 2 * 3 - 4 / 2", "5"},
      {"7 % 3", "1"},
      {"-7 / 2", "-3"},
      {"-7 % 3", "-1"},
      {"9223372036854775807 + 1", "error: integer overflow"},
      {"-9223372036854775808 - 1", "error: integer overflow"},
      {"9223372036854775807 * 2", "error: integer overflow"},
      {"-9223372036854775808 / -1", "error: integer overflow"},
      {"-9223372036854775808 % -1", "error: integer overflow"},
      {"-(-9223372036854775808)", "error: integer overflow"},
      {"0u - 1u", "error: integer overflow"},
      {"1 / 0", "error: divide by zero"},
      {"1 % 0", "error: modulus by zero"},
      {"1.0 / 0.0", "inf"},
      {"-1.0 / 0.0", "-inf"},
      {"1 + 1.0", "error: no such overload"},
      {"1 + 1u", "error: no such overload"},
      {"'a' + 'b'", "'ab'"},
      {"b'a' + b'b'", "b'ab'"},
      {"[1] + [2, 3]", "[1,2,3]"},
      {"[1] + [2]", "[1,2]"},
      {"--5", "5"},
      {"!!true", "true"},
      {"!1", "error: no such overload"},
      {"5.5 % 2.0", "error: no such overload"},
  });
}

TEST(Expression, ComparisonsAreByNumberWhateverItsKind) {
  Check({
      {"1 == 1.0 && 1u == 1 && 1.0 == 1u", "true"},
      {"9007199254740993 == 9007199254740992.0", "false"},
      {"18446744073709551615u > 9223372036854775807", "true"},
      {"-1 < 0u", "true"},
      {"1 < 1.5 && 2u > 1.5", "true"},
      {"9223372036854775807 < 9223372036854775808.0", "true"},
      {"'a' == 1", "false"},
      {"'a' != 1", "true"},
      {"'a' < 1", "error: no such overload"},
      {"'a' < 'b' && b'a' <= b'a' && false < true", "true"},
      {"[1, 2] == [1.0, 2u]", "true"},
      {"[1, 2] == [2, 1]", "false"},
      {"{'a': 1, 'b': [2]} == {'b': [2.0], 'a': 1}", "true"},
      {"{'a': 1} == {'a': 2}", "false"},
      {"null == null", "true"},
      {"null < null", "error: no such overload"},
      {"0.0 / 0.0 == 0.0 / 0.0", "false"},
      {"0.0 / 0.0 < 1.0", "false"},
      {"1 in [3, 2, 1.0]", "true"},
      {"'a' in {'a': 1}", "true"},
      {"'b' in {'a': 1}", "false"},
      {"1 in 'abc'", "error: no such overload"},
      {"1 < 2 == true", "true"},
  });
}

TEST(Expression, WhatDecidesPassesErrorsBy) {
  Check({
      {"1/0 == 1 || true", "true"},
      {"true || 1/0 == 1", "true"},
      {"false && 1/0 == 1", "false"},
      {"1/0 == 1 && false", "false"},
      {"1/0 == 1 && true", "error: divide by zero"},
      {"1/0 == 1 || false", "error: divide by zero"},
      {"1 || true", "true"},
      {"1 && true", "error: no such overload"},
      {"true ? 1 : 1/0", "1"},
      {"1/0 == 1 ? 1 : 2", "error: divide by zero"},
      {"1 ? 2 : 3", "error: no such overload"},
      {"request.host == 'x' || request.method == 'GET'", "true"},
      {"request.host == 'x'", "error: no such attribute"},
      {"[1/0]", "error: divide by zero"},
      {"true ? true ? 1 : 2 : 3", "refused: at byte 12: expected ':'"},
      {"true ? (true ? 1 : 2) : 3", "1"},
      {"false ? 1 : false ? 2 : 3", "3"},
  });
}

TEST(Expression, Attributes) {
  Check({
      {"request.method", "'GET'"},
      {"request['method']", "'GET'"},
      {"has(request.method)", "true"},
      {"has(request.host)", "false"},
      {"response.code >= 400 && response.code < 500", "true"},
      {"connection.id", "7u"},
      {"metadata.filter_metadata['jwt'].user", "'ann'"},
      {"metadata.filter_metadata.jwt['age'] == 41", "true"},
      {"metadata.filter_metadata['jwt']['age']", "41"},
      {"metadata['filter_metadata']['jwt'].user", "'ann'"},
      {"'dev' in metadata.filter_metadata.jwt.roles", "true"},
      {"metadata.filter_metadata.jwt.roles[1]", "'dev'"},
      {"metadata.filter_metadata.jwt.roles[2]", "error: index out of bounds"},
      {"metadata.filter_metadata.jwt.roles['x']", "error: no such overload"},
      {"metadata.filter_metadata.nope.user", "error: no such key"},
      {"has(metadata.filter_metadata.jwt.user)", "true"},
      {"has(metadata.filter_metadata.jwt.nope)", "false"},
      {"has(metadata.filter_metadata.jwt.user.nope)", "error: no such overload"},
      {".request.method", "'GET'"},
  });
}

TEST(Expression, WhatIsNotKnownIsRefused) {
  Check({
      {"request.colour",
       "refused: 'request.colour' is not known: expected an attribute such as request.path or "
       "response.code"},
      {"reqest.path",
       "refused: 'reqest.path' is not known: expected an attribute such as "
       "request.path or response.code"},
      {"xds.listener_metadata.filter_metadata['a']",
       "refused: 'xds.listener_metadata.filter_metadata' is not known: listeners keep no metadata: "
       "write xds.filter_chain_name"},
      {"nope(1)", "refused: function 'nope' is not known"},
      {"size(1, 2)", "refused: function 'size' takes another number of arguments"},
      {"request.path.matches('(')",
       "refused: not a regular expression that RE2 takes: missing ): ("},
      {"request.path.matches(request.method)",
       "refused: matches() takes a text and a pattern that is written out"},
      {"1 +", "refused: at byte 3: expected a value"},
      {"1 2", "refused: at byte 2: expected an operator or the end"},
      {"", "refused: at byte 0: expected a value"},
      {"a{b: 1}", "refused: at byte 1: expected an operator or the end"},
      {"for", "refused: at byte 3: the word 'for' is reserved"},
      {"request.nope.size() + 1 > 0",
       "refused: 'request.nope' is not known: expected an attribute "
       "such as request.path or response.code"},
      {"has(1)", "refused: at byte 6: has() takes one selection, as has(request.referer)"},
      {"[1].all(1, true)", "refused: at byte 16: all() begins with a name"},
      {"size(filter_state) > 0", "refused: what filter_state has can not be listed"},
      {"filter_state.exists(k, true)", "refused: what filter_state has can not be listed"},
  });
}

TEST(Expression, Macros) {
  Check({
      {"[1, 2, 3].all(x, x > 0)", "true"},
      {"[1, 2, 3].all(x, x > 1)", "false"},
      {"[].all(x, x > 1)", "true"},
      {"[1, 0].all(x, 1 / x > 5)", "false"},
      {"[0, 1].exists(x, 1 / x == 1)", "true"},
      {"[0, 2].exists(x, 1 / x == 1)", "error: divide by zero"},
      {"[].exists(x, true)", "false"},
      {"[1, 2, 2].exists_one(x, x == 1)", "true"},
      {"[1, 2, 2].exists_one(x, x == 2)", "false"},
      {"[1, 2, 3].map(x, x * x)", "[1,4,9]"},
      {"[1, 2, 3].map(x, x > 1, x * 10)", "[20,30]"},
      {"[1, 2, 3].filter(x, x != 2)", "[1,3]"},
      {"{'b': 1, 'a': 2}.exists(k, k == 'a')", "true"},
      {"[[1], [2, 3]].map(l, l.map(x, x + 1))", "[[2],[3,4]]"},
      {"[1, 2].map(x, [10, 20].map(y, x * y))", "[[10,20],[20,40]]"},
      {"[1].map(x, [2].map(x, x))", "[[2]]"},
      {"metadata.filter_metadata.jwt.roles.exists(r, r.startsWith('adm'))", "true"},
      {"'abc'.all(x, true)", "error: no such overload"},
  });
}

TEST(Expression, Texts) {
  Check({
      {"size('caf\xc3\xa9')", "4"},
      {"'caf\xc3\xa9'.size()", "4"},
      {"size(b'caf\xc3\xa9')", "5"},
      {"size([1, 2]) + size({'a': 1})", "3"},
      {"size(1)", "error: no such overload"},
      {"'abc'.contains('b') && !'abc'.contains('x') && 'abc'.contains('')", "true"},
      {"'abc'.startsWith('ab') && 'abc'.endsWith('bc')", "true"},
      {"'abc'.startsWith(1)", "error: no such overload"},
      {"request.path.matches('^/a/[a-z]')", "true"},
      {"matches(request.path, 'b.x')", "true"},
      {"'abc'.matches('^b')", "false"},
      {"'AbC'.lowerAscii() + 'AbC'.upperAscii()", "'abcABC'"},
      // An empty text may be no text at all.
      {"request.query.contains('b') || 'a'.contains('ab')", "false"},
      {"request.query.replace('b', 'c')", "''"},
      {"request.query.split(',')", "['']"},
      {"'a-b-c'.replace('-', '+')", "'a+b+c'"},
      {"'a-b-c'.replace('-', '+', 1)", "'a+b-c'"},
      {"'ab'.replace('', '_')", "'_a_b'"},
      {"'a,b,,c'.split(',')", "['a','b','','c']"},
      {"'a,b,c'.split(',', 2)", "['a','b,c']"},
      {"'abc'.split('')", "['a','b','c']"},
      {"'a'.split(',', 0)", "[]"},
  });
}

TEST(Expression, Conversions) {
  Check({
      {"int('42') + int(1.9) + int(-1.9) + int(3u)", "45"},
      {"int(1e19)", "error: out of range"},
      {"int(18446744073709551615u)", "error: out of range"},
      {"int('4x')", "error: a text that says no such value"},
      {"uint(-1)", "error: out of range"},
      {"uint('7')", "7u"},
      {"double('1.5') + double(1)", "2.5"},
      {"bool('true') && !bool('f')", "true"},
      {"string(1) + string(2u) + string(1.5) + string(true)", "'121.5true'"},
      {"string(b'abc')", "'abc'"},
      {R"(string(b'\xff'))", "error: bytes are no UTF-8"},
      {"bytes('abc')", "b'abc'"},
      {"string(duration('1h0.5s'))", "'3600.500s'"},
      {"string(duration('-1500ms'))", "'-1.500s'"},
      {"string(timestamp('2023-11-14T22:13:20.120Z'))", "'2023-11-14T22:13:20.120Z'"},
      {"int(timestamp('2023-11-14T22:13:20Z'))", "1700000000"},
      {"timestamp(1700000000) == timestamp('2023-11-14T22:13:20Z')", "true"},
      {"string([1])", "error: no such overload"},
      {"dyn(1)", "1"},
  });
}

TEST(Expression, Times) {
  Check({
      {"request.time > timestamp('2023-11-14T22:13:20Z')", "true"},
      {"request.duration > duration('1s') && request.duration < duration('2s')", "true"},
      {"request.time.getFullYear()", "2023"},
      {"request.time.getMonth()", "10"},
      {"request.time.getDate()", "14"},
      {"request.time.getDayOfMonth()", "13"},
      {"request.time.getDayOfWeek()", "2"},
      {"request.time.getDayOfYear()", "317"},
      {"request.time.getHours()", "22"},
      {"request.time.getHours('+02:00')", "0"},
      {"request.time.getHours('-01:30')", "20"},
      {"request.time.getMinutes()", "13"},
      {"request.time.getSeconds()", "20"},
      {"request.time.getMilliseconds()", "123"},
      {"request.time.getHours('Nowhere/Land')",
       "refused: getHours() takes a time zone that is written out and known"},
      {"duration('90m').getHours()", "1"},
      {"duration('90m').getMinutes()", "90"},
      {"duration('1.5s').getMilliseconds()", "500"},
      {"timestamp('2023-01-01T00:00:00Z') + duration('1h') == timestamp('2023-01-01T01:00:00Z')",
       "true"},
      {"timestamp('2023-01-01T01:00:00Z') - timestamp('2023-01-01T00:00:00Z') == duration('1h')",
       "true"},
      {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp out of range"},
      {"duration('300000000000s') + duration('300000000000s')", "error: duration out of range"},
      {"duration('x')", "error: a text that says no such value"},
      {"(1).getHours()", "error: no such overload"},
  });
}

TEST(Expression, WhatCopiesTextsIsOffByDefault) {
  const Options none;
  EXPECT_EQ(Evaluate("string(1)", none),
            "refused: string() is off unless cel_config.enable_string_conversion is true");
  EXPECT_EQ(Evaluate("request.path + 'x'", none),
            "refused: + of texts is off unless cel_config.enable_string_concat is true");
  EXPECT_EQ(Evaluate("request.path + request.path", none), "error: no such overload");
  EXPECT_EQ(Evaluate("1 + 1", none), "2");
  EXPECT_EQ(Evaluate("request.path.lowerAscii()", none),
            "refused: lowerAscii() is off unless cel_config.enable_string_functions is true");
  EXPECT_EQ(Evaluate("request.path.contains('a')", none), "true");
}

TEST(Expression, CostsAreBounded) {
  // 10^8 turns, and texts that double.
  const std::string ten = "[1,2,3,4,5,6,7,8,9,10]";
  std::string loops = "true";
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    loops = ten + ".all(" + name + ", " + loops + ")";
  }
  EXPECT_EQ(Evaluate(loops), std::string("error: ") + kTooMuch);
  EXPECT_EQ(Evaluate(ten + ".all(i, " + loops + ")"), "refused: the expression has too many loops");
  std::string sum = "request.path";
  for (int i = 0; i < 20; ++i) sum = "[" + sum + "].map(x, x + x)[0]";
  EXPECT_EQ(Evaluate(sum), "refused: the expression has too many loops");
  EXPECT_EQ(Evaluate(ten + ".map(a, " + ten + ".map(b, " + ten + ".map(c, " + ten +
                     ".map(d, 'abcdefgh' + 'abcdefgh'))))"),
            std::string("error: ") + kTooMuch);
  // Nesting.
  EXPECT_EQ(Evaluate(std::string(100, '(') + "1" + std::string(100, ')')),
            "refused: at byte 64: the expression is nested too deep");
  std::string chain = "metadata.filter_metadata";
  for (int i = 0; i < 300; ++i) chain += ".a";
  EXPECT_NE(Evaluate(chain).find("nested too deep"), std::string::npos);
  EXPECT_NE(Evaluate(std::string(20000, ' ') + "1").find("too long"), std::string::npos);
  // Long chains of && are no deep trees.
  std::string conjuncts = "true";
  for (int i = 0; i < 500; ++i) conjuncts += " && true";
  EXPECT_EQ(Evaluate(conjuncts), "true");
}

// "Not there" is not what comes of looking for it no longer.
TEST(Expression, WhatRanOutIsNeverTrue) {
  const auto turns = [](size_t count, const std::string& variable, const std::string& each) {
    std::string list = "[";
    for (size_t i = 0; i < count; ++i) list += i == 0 ? "0" : ",0";
    return list + "].all(" + variable + ", " + each + ")";
  };
  const std::string most = turns(10, "a", turns(380, "b", "true"));
  size_t errors = 0;
  // Each number of turns leaves another number of steps for the last part.
  for (size_t more = 100; more < 220; ++more) {
    const std::string result =
        Evaluate(most + " && " + turns(more, "c", "true") +
                 " && !('9' in {'0':0,'1':0,'2':0,'3':0,'4':0,'5':0,'6':0,'7':0,'8':0,'9':0})");
    errors += result == std::string("error: ") + kTooMuch ? 1 : 0;
    EXPECT_NE(result, "true") << more;
  }
  EXPECT_GT(errors, 0u);
  EXPECT_LT(errors, 120u);
  EXPECT_EQ(Evaluate("(" + turns(20, "a", turns(380, "b", "true")) + ") || true"),
            std::string("error: ") + kTooMuch);
}

TEST(Expression, AListThatIsAddedToTwiceStaysAsItWas) {
  EXPECT_EQ(Evaluate("[[1, 2].filter(x, true)].map(l, [l + [3], l + [4], l])"),
            "[[[1,2,3],[1,2,4],[1,2]]]");
}

TEST(Expression, Phases) {
  const auto phase = [](absl::string_view text) {
    return (*Expression::Compile(text, kAll))->phase();
  };
  EXPECT_EQ(phase("source.port == 1"), Phase::kConnection);
  EXPECT_EQ(phase("source.port == 1 || request.path == 'x'"), Phase::kRequest);
  EXPECT_EQ(phase("has(response.code_details)"), Phase::kResponse);
  EXPECT_EQ(phase("request.duration > duration('1s')"), Phase::kEnd);
}

}  // namespace
}  // namespace proxenos::cel
