// Lua: what scripts see and change, what they wait for, and what holds them.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/lua/v3/lua.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/lua/vm.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::lua::v3;
using testing::SideService;

google::protobuf::Any Config(const std::string& script) {
  v3::Lua proto;
  proto.mutable_default_source_code()->set_inline_string(script);
  google::protobuf::Any any;
  any.PackFrom(proto);
  return any;
}

std::string OnRequest(const std::string& body) {
  return absl::StrCat("function envoy_on_request(h)\n", body, "\nend\n");
}
std::string OnResponse(const std::string& body) {
  return absl::StrCat("function envoy_on_response(h)\n", body, "\nend\n");
}

// What a script says of itself in the field "x" of a request without a body.
std::string Said(const std::string& expression, const RequestLine& line = {}) {
  auto stream = MakeStream(
      Config(OnRequest(absl::StrCat("h:headers():add('x', tostring(", expression, "))"))), line);
  stream->SendRequest(true);
  return Value(stream->request.headers, "x");
}

// Whether the script of a request failed.
bool Fails(const std::string& body) {
  auto stream = MakeStream(Config(OnRequest(body)), {});
  stream->SendRequest(true);
  EXPECT_TRUE(stream->request_out.head) << body;  // The request goes on all the same.
  return stream->Stat("http.test.lua.errors") == 1;
}

std::string LoadError(const std::string& script) {
  config::Errors errors;
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (kind.type != "envoy.extensions.filters.http.lua.v3.Lua") continue;
    EXPECT_EQ(kind.create(Config(script), config::Path("f"), errors), nullptr);
  }
  return std::string(errors.ToStatus().message());
}

TEST(LuaTest, FieldsAndControlData) {
  const RequestLine line{.method = "GET", .path = "/p", .fields = {{"a", "1"}, {"a", "2"}}};
  EXPECT_EQ(Said("h:headers():get('A')", line), "1,2");
  EXPECT_EQ(Said("h:headers():getAtIndex('a', 1)", line), "2");
  EXPECT_EQ(Said("h:headers():getAtIndex('a', 2)", line), "nil");
  EXPECT_EQ(Said("h:headers():getNumValues('a')", line), "2");
  EXPECT_EQ(Said("h:headers():get('none')", line), "nil");
  EXPECT_EQ(Said("h:headers():get(':path') .. h:headers():get('host')", line), "/phost");
  auto stream = MakeStream(Config(OnRequest("local f = h:headers() f:replace('a', '3') "
                                            "f:add('B', '4') f:remove('c') "
                                            "f:replace(':path', '/q')")),
                           {.fields = {{"a", "1"}, {"c", "x"}}});
  stream->SendRequest(true);
  EXPECT_EQ(Value(stream->request.headers, "a"), "3");
  EXPECT_EQ(Value(stream->request.headers, "b"), "4");
  EXPECT_EQ(Value(stream->request.headers, "c"), "-");
  EXPECT_EQ(stream->request.path, "/q");
}

TEST(LuaTest, PairsSeesTheFieldsAsTheyWere) {
  const std::string walk =
      "local s = '' for k, v in pairs(h:headers()) do s = s .. k .. '=' .. v .. ' ' "
      "h:headers():add('y', '1') end h:headers():add('x', s)";
  auto stream =
      MakeStream(Config(OnRequest(walk)), {.method = "GET", .path = "/", .fields = {{"a", "1"}}});
  stream->SendRequest(true);
  EXPECT_EQ(Value(stream->request.headers, "x"),
            ":authority=host :path=/ :method=GET :scheme=http a=1 ");
}

TEST(LuaTest, WhatWouldBreakTheMessageFails) {
  EXPECT_TRUE(Fails("h:headers():add('bad name', 'v')"));
  EXPECT_TRUE(Fails("h:headers():add('x', 'a\\r\\nb: c')"));
  EXPECT_TRUE(Fails("h:headers():replace(':path', 'no-slash')"));
  EXPECT_TRUE(Fails("h:headers():remove(':path')"));
  EXPECT_TRUE(Fails("for i = 1, 10000 do h:headers():add('x', ('v'):rep(1000)) end"));
  EXPECT_TRUE(Fails("h:respond({[':status'] = '100'}, '')"));
  EXPECT_FALSE(Fails("h:headers():add('x', 'v')"));
}

TEST(LuaTest, TheWholeBodyIsWaitedFor) {
  auto stream = MakeStream(Config(OnRequest("local b = h:body() h:headers():add('x', b:length() .. "
                                            "b:getBytes(1, 2)) b:setBytes('new')")),
                           {.fields = {{"content-length", "4"}}});
  stream->SendRequest(false);
  stream->SendRequestBody("ab", false);
  EXPECT_FALSE(stream->request_out.head);
  stream->SendRequestBody("cd", true);
  EXPECT_TRUE(stream->request_out.end);
  EXPECT_EQ(Value(stream->request.headers, "x"), "4bc");
  EXPECT_EQ(Value(stream->request.headers, "content-length"), "3");
  EXPECT_EQ(stream->request_out.body.ToString(), "new");
}

TEST(LuaTest, NoBodyIsNilUnlessItIsAskedToBeWrapped) {
  EXPECT_EQ(Said("h:body()"), "nil");
  EXPECT_EQ(Said("h:body(true):length()"), "0");
  auto stream = MakeStream(Config(OnResponse("h:body(true):setBytes('made')")), {});
  stream->SendRequest(true);
  stream->SendResponse(200, "", true);
  EXPECT_EQ(ResponseText(*stream), "200 made");
}

TEST(LuaTest, ABodyThatIsTooLongIsRefused) {
  auto request = MakeStream(Config(OnRequest("h:body()")), {});
  request->SendRequest(false);
  request->SendRequestBody(std::string(1024 * 1024 + 1, 'x'), false);
  EXPECT_EQ(ResponseText(*request), "413 Payload Too Large");
  auto response = MakeStream(Config(OnResponse("h:body()")), {});
  response->SendRequest(true);
  response->SendResponse(200, std::string(1024 * 1024 + 1, 'x'), false);
  response->Turn();
  EXPECT_EQ(ResponseText(*response), "500 Internal Server Error");
}

TEST(LuaTest, PiecesPassAsTheyCome) {
  auto stream = MakeStream(Config(OnResponse("h:headers():remove('content-length') local n = 0 "
                                             "for c in h:bodyChunks() do n = n + c:length() "
                                             "c:setBytes(c:getBytes(0, c:length()):upper()) end "
                                             "h:streamInfo():dynamicMetadata():set('s', 'n', n)")),
                           {});
  stream->SendRequest(true);
  stream->SendResponse(200, "ab", false);
  EXPECT_EQ(ResponseText(*stream), "200 AB ...");
  stream->SendResponseBody("cd", true);
  EXPECT_EQ(ResponseText(*stream), "200 ABCD");
  EXPECT_EQ(stream->info.metadata.Find("s")->at("n").number(), 4.0);
}

TEST(LuaTest, APieceMayNotDisagreeWithTheLength) {
  auto stream = MakeStream(Config(OnRequest("for c in h:bodyChunks() do c:setBytes('') end")),
                           {.fields = {{"content-length", "2"}}});
  stream->SendRequest(false);
  stream->SendRequestBody("ab", true);
  EXPECT_EQ(stream->request_out.body.ToString(), "ab");
  EXPECT_EQ(stream->Stat("http.test.lua.errors"), 1u);
}

TEST(LuaTest, AWrittenLengthIsMadeTrue) {
  auto stream = MakeStream(Config(OnRequest("h:headers():replace('content-length', '99')")),
                           {.fields = {{"content-length", "2"}}});
  stream->SendRequest(false);
  EXPECT_EQ(Value(stream->request.headers, "content-length"), "2");
}

TEST(LuaTest, Trailers) {
  auto stream =
      MakeStream(Config(OnRequest("local t = h:trailers() t:add('seen', t:get('a'))")), {});
  stream->SendRequest(false);
  stream->SendRequestBody("b", false);
  stream->SendRequestTrailers({{"a", "1"}});
  ASSERT_NE(stream->request_out.trailers, nullptr);
  EXPECT_EQ(Value(*stream->request_out.trailers, "seen"), "1");
}

TEST(LuaTest, RespondsInsteadOfTheOrigin) {
  auto stream =
      MakeStream(Config(OnRequest("h:respond({[':status'] = 418, ['x-y'] = {'a', 'b'}}, 'tea') "
                                  "error('unreachable')") +
                        OnResponse("h:headers():add('seen', h:headers():get(':status'))")),
                 {});
  stream->SendRequest(false);
  EXPECT_EQ(ResponseText(*stream), "418 tea");
  EXPECT_EQ(Value(stream->response.headers, "x-y"), "a");
  EXPECT_EQ(Value(stream->response.headers, "seen"), "418");
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "3");
  EXPECT_EQ(stream->Stat("http.test.lua.errors"), 0u);
  EXPECT_EQ(stream->Stat("http.test.lua.executions"), 2u);
}

TEST(LuaTest, AnAnswerIsAReplyLikeOthers) {
  const auto config =
      Config(OnRequest("h:respond({[':status'] = 403, ['x-y'] = 'a', "
                       "['content-type'] = h:headers():get('type')}, 'no')"));
  auto plain = MakeStream(config, {});
  plain->SendRequest(true);
  EXPECT_EQ(ResponseText(*plain), "403 no");
  EXPECT_EQ(Value(plain->response.headers, "content-type"), "text/plain");
  auto typed = MakeStream(config, {.fields = {{"type", "a/b"}}});
  typed->SendRequest(true);
  EXPECT_EQ(Value(typed->response.headers, "content-type"), "a/b");
  auto call =
      MakeStream(config, {.fields = {{"content-type", "application/grpc"}, {"type", "a/b"}}});
  call->SendRequest(true);
  EXPECT_EQ(ResponseText(*call), "200 ");
  EXPECT_EQ(Value(call->response.headers, "content-type"), "application/grpc");
  EXPECT_EQ(Value(call->response.headers, "grpc-status"), "7");
  EXPECT_EQ(Value(call->response.headers, "grpc-message"), "no");
  EXPECT_EQ(Value(call->response.headers, "x-y"), "a");
  auto empty =
      MakeStream(Config(OnRequest("h:respond({[':status'] = 403, ['content-type'] = 'a/b'})")), {});
  empty->SendRequest(true);
  EXPECT_EQ(ResponseText(*empty), "403 ");
  EXPECT_EQ(Value(empty->response.headers, "content-type"), "-");
}

// What a function of Lua's library calls cannot wait, and a script may catch that.
TEST(LuaTest, WhatCannotWaitHoldsNothing) {
  const std::string inside = "string.gsub('a', 'a', function() h:body() end)";
  auto caught =
      MakeStream(Config(OnRequest(absl::StrCat("pcall(function() ", inside, " end)"))), {});
  caught->SendRequest(false);
  EXPECT_TRUE(caught->request_out.head);
  EXPECT_EQ(caught->Stat("http.test.lua.errors"), 0u);
  auto failed = MakeStream(Config(OnRequest(inside)), {});
  failed->SendRequest(false);
  EXPECT_TRUE(failed->request_out.head);
  EXPECT_EQ(failed->Stat("http.test.lua.errors"), 1u);
  auto answered = MakeStream(
      Config(OnRequest("string.gsub('a', 'a', function() h:respond({[':status'] = 403}, '') end)")),
      {});
  answered->SendRequest(false);
  EXPECT_EQ(ResponseText(*answered), "403 ");
}

TEST(LuaTest, MetadataStateAndTime) {
  EXPECT_EQ(Said("(function() local m = h:streamInfo():dynamicMetadata() "
                 "m:set('a', 'b', {1, {x = 'y'}}) local t = m:get('a').b "
                 "return t[1] .. t[2].x end)()"),
            "1y");
  EXPECT_EQ(Said("(function() local s = h:streamInfo():filterState() "
                 "s:set('k', 'envoy.string', 'v') return s:get('k') end)()"),
            "v");
  EXPECT_EQ(Said("h:base64Decode(h:base64Escape('hello'))"), "hello");
  EXPECT_EQ(Said("h:base64Decode('!')"), "nil");
  EXPECT_EQ(Said("h:streamInfo():protocol()"), "HTTP/1.1");
  EXPECT_EQ(Said("h:importPublicKey('x', 1):get()"), "nil");
  EXPECT_TRUE(Fails("h:streamInfo():dynamicMetadata():set('a', 'b', print)"));
  EXPECT_TRUE(Fails("local t = {} t.t = t h:streamInfo():dynamicMetadata():set('a', 'b', t)"));
  EXPECT_TRUE(Fails("h:streamInfo():dynamicMetadata():set('a', 'm', {[1] = 'q', z = 1})"));
  EXPECT_TRUE(Fails("h:setUpstreamOverrideHost('name', false)"));
  EXPECT_TRUE(Fails("h:stats()"));
}

// A client's text and a pattern that goes over it again and again.
TEST(LuaTest, PatternsHaveALimit) {
  const std::string set = "local s = string.rep('a', 20000) ";
  EXPECT_FALSE(Fails(set + "assert(s:find('a+$'))"));
  EXPECT_TRUE(Fails(set + "s:find('a*a*a*b')"));
  EXPECT_TRUE(Fails(set + "s:gsub('a*a*a*b', '')"));
  // Nor is there a way around, or one more try.
  EXPECT_TRUE(Fails(set + "pcall(s.find, s, 'a*a*a*b') s:find('a+$')"));
}

TEST(LuaTest, WhatIsLeftToOthersHasALimit) {
  const std::string keep =
      "for i = 1, n do h:streamInfo():filterState():set('k' .. i, 'envoy.string', "
      "string.rep('x', 60000)) end";
  EXPECT_FALSE(Fails("local n = 10 " + keep));
  EXPECT_TRUE(Fails("local n = 20 " + keep));
  const std::string tell =
      "for i = 1, n do h:streamInfo():dynamicMetadata():set('a', 'k' .. i, {1, {a = 'b'}}) end";
  EXPECT_FALSE(Fails("local n = 1000 " + tell));
  EXPECT_TRUE(Fails("local n = 10000 " + tell));
}

TEST(LuaTest, ListsWithHolesAreNoLargerThanOthers) {
  const std::string set = "h:streamInfo():dynamicMetadata():set('a', 'b', t)";
  EXPECT_TRUE(Fails("local t = {} for i = 1, 200 do t[i] = {[16384] = 1} end " + set));
  EXPECT_FALSE(Fails("local t = {[16384] = 1} " + set));
  // In whichever order the keys come.
  EXPECT_FALSE(Fails("local t = {} for i = 10000, 1, -1 do t[i] = i end " + set));
}

TEST(LuaTest, NamesAndMetadataOfTheRoute) {
  auto routes = RouteToOrigin();
  auto* host = routes.mutable_virtual_hosts(0);
  host->mutable_routes(0)->set_name("first");
  const auto put = [](const std::string& value, auto* metadata) {
    auto& fields = *(*metadata->mutable_filter_metadata())["f"].mutable_fields();
    fields["k"].set_string_value(value);
  };
  put("of route", host->mutable_routes(0)->mutable_metadata());
  put("of host", host->mutable_metadata());
  auto table = MakeRoutes(routes);
  auto stream =
      MakeStream(Config(OnRequest("h:headers():add('x', h:streamInfo():routeName() .. "
                                  "h:metadata():get('k') .. h:route():metadata():get('k') .. "
                                  "h:virtualHost():metadata():get('k'))")),
                 {}, table);
  stream->SendRequest(true);
  EXPECT_EQ(Value(stream->request.headers, "x"), "firstof routeof routeof host");
  stream->EndStream();
}

TEST(LuaTest, ScriptsHaveNoWayOut) {
  for (const char* name :
       {"io", "debug", "package", "require", "dofile", "loadfile", "jit", "ffi", "module",
        "newproxy", "os.execute", "os.exit", "os.remove", "string.dump"}) {
    EXPECT_EQ(Said(name), "nil") << name;
  }
  EXPECT_EQ(Said("loadstring('\\27LJ')"), "nil");
  EXPECT_EQ(Said("loadstring('return 7')()"), "7");
  EXPECT_EQ(Said("getmetatable(h)"), "locked");
  EXPECT_EQ(Said("type(os.time())"), "number");
}

TEST(LuaTest, AScriptThatDoesNotEndIsEnded) {
  EXPECT_TRUE(Fails("while true do end"));
  EXPECT_TRUE(Fails("while true do pcall(function() while true do end end) end"));
  EXPECT_TRUE(Fails("local t = {} for i = 1, 1e7 do t[i] = {i} end"));
  EXPECT_TRUE(Fails("local s = ('x'):rep(1e9)"));
  EXPECT_TRUE(Fails("local function f() return 1 + f() end f()"));
  EXPECT_TRUE(Fails("coroutine.yield()"));
}

TEST(LuaTest, AStateOutlivesItsErrorsAndObjectsDoNotOutliveTheirRun) {
  lua::Vm vm("s", "kept = nil function envoy_on_request(h) end");
  EXPECT_EQ(vm.error(), "");
  EXPECT_TRUE(vm.on_request());
  EXPECT_FALSE(vm.on_response());
  EXPECT_LT(vm.bytes(), 128u * 1024);
  auto stream = MakeStream(Config(OnRequest("kept = h") + OnResponse("kept:headers()")), {});
  stream->SendRequest(true);
  stream->SendResponse(200, "ok", true);
  EXPECT_EQ(ResponseText(*stream), "200 ok");
  EXPECT_EQ(stream->Stat("http.test.lua.errors"), 1u);
}

TEST(LuaTest, ABadScriptIsAnErrorOfTheConfiguration) {
  EXPECT_NE(LoadError("function f(\n").find("default_source_code:2:"), std::string::npos);
  EXPECT_NE(LoadError("\nerror('no')").find("default_source_code:2: no"), std::string::npos);
  EXPECT_NE(LoadError("while true do end").find("instructions"), std::string::npos);
}

TEST(LuaTest, RoutesChooseTheScript) {
  v3::Lua proto;
  proto.mutable_default_source_code()->set_inline_string(OnRequest("h:headers():add('x', 'own')"));
  (*proto.mutable_source_codes())["b.lua"].set_inline_string(
      OnRequest("h:headers():add('x', 'b' .. h:filterContext():get('k'))"));
  google::protobuf::Any any;
  any.PackFrom(proto);
  const auto ask = [&any](const std::string& text) {
    auto routes = RouteToOrigin();
    (*routes.mutable_virtual_hosts(0)->mutable_routes(0)->mutable_typed_per_filter_config())["f"] =
        Pack<v3::LuaPerRoute>(text);
    auto table = MakeRoutes(routes);
    auto stream = MakeStream(any, {}, table);
    stream->SendRequest(true);
    std::string said = Value(stream->request.headers, "x");
    stream->EndStream();
    return said;
  };
  EXPECT_EQ(ask("disabled: true"), "-");
  EXPECT_EQ(ask("name: 'none'"), "-");
  EXPECT_EQ(ask("name: 'b.lua' filter_context { fields { key: 'k' value { string_value: 'c' } } }"),
            "bc");
  EXPECT_EQ(ask("source_code { inline_string: 'function envoy_on_request(h) "
                "h:headers():add(\"x\", \"route\") end' }"),
            "route");
  EXPECT_EQ(ask(""), "own");
}

TEST(LuaTest, ACallIsWaitedFor) {
  const std::string script = OnRequest(
      "local f, b = h:httpCall('service', {[':method'] = 'POST', [':path'] = '/ask', "
      "[':authority'] = 'a', ['x-n'] = {'1', '2'}}, 'question', 1000) "
      "h:headers():add('x', f[':status'] .. (f['y'] or '-') .. tostring(b))");
  SideService* service = nullptr;
  FilterHarness stream({MakeFactory(Config(script))}, [&](filter::StreamContext& context) {
    FillRequest({}, context.request, context.arena);
    auto made = std::make_unique<SideService>(context.environment.loop,
                                              context.environment.clusters, "service");
    service = made.get();
    static_cast<FilterHarness&>(context).Keep(std::move(made));
  });
  stream.SendRequest(true);
  EXPECT_FALSE(stream.request_out.head);
  auto& origin = service->origin;
  ASSERT_TRUE(
      stream.Until([&] { return origin.stream_count() > 0 && origin.stream(0).complete(); }));
  EXPECT_EQ(origin.stream(0).head().path, "/ask");
  EXPECT_EQ(origin.stream(0).body(), "question");
  origin.stream(0).Reply(200, {{"y", "z"}}, "answer");
  ASSERT_TRUE(stream.Until([&] { return stream.request_out.head; }));
  EXPECT_EQ(Value(stream.request.headers, "x"), "200zanswer");
  service->ExpectNothingLeft();
}

TEST(LuaTest, CallsThatCannotBe) {
  const std::string fields = "{[':method'] = 'GET', [':path'] = '/', [':authority'] = 'a'}";
  EXPECT_TRUE(Fails(absl::StrCat("h:httpCall('none', ", fields, ", nil, 100)")));
  EXPECT_TRUE(Fails(absl::StrCat("h:httpCall('none', ", fields, ", nil, {bogus = 1})")));
  EXPECT_TRUE(Fails(absl::StrCat("h:httpCall('none', ", fields, ", nil, -1)")));
}

}  // namespace
}  // namespace proxenos::filters
