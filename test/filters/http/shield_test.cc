// What the shield does to messages: addresses of clients, fields and URLs of origins, error pages.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/access_log/formatter.h"
#include "source/filters/http/shield/address_mask.h"
#include "test/filters/http/stream.h"

// Last: its package has a namespace http that would hide ours.
#include "proxenos/filters/http/shield/v3/shield.pb.h"

namespace proxenos::filters {
namespace {

using Proto = ::proxenos::filters::http::shield::v3::Shield;
using PerRoute = ::proxenos::filters::http::shield::v3::ShieldPerRoute;

net::Address Ip(absl::string_view ip, uint16_t port = 0) { return *net::Address::FromIp(ip, port); }

// Refuses what asks for it.
class DoorFactory final : public filter::FilterFactory {
 public:
  class Door final : public filter::HttpFilter {
   public:
    explicit Door(filter::StreamContext& stream) : stream_(stream) {}
    filter::Verdict OnRequestHeaders(::proxenos::http::RequestHead& head, bool) override {
      if (head.path != "/refused") return filter::Verdict::kContinue;
      seen = std::string(stream_.info.remote.IpString());
      stream_.Reply(403, "no entry", "door", filter::kUnauthorizedExternalService);
      stream_.response.headers.Add("retry-after", "7");
      return filter::Verdict::kReplied;
    }
    static inline std::string seen;

   private:
    filter::StreamContext& stream_;
  };
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Door>(stream);
  }
};

class ShieldTest : public ::testing::Test {
 protected:
  void Configure(const std::string& text) { factory_ = MakeFactory(Pack<Proto>(text)); }

  void Send(const RequestLine& line) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{std::make_shared<DoorFactory>(), factory_},
        [&](filter::StreamContext& stream) {
          connection_.direct_remote = Ip("192.0.2.77", 4000);
          stream.info.connection = &connection_;
          stream.info.remote = Ip("203.0.113.9", 5000);
          FillRequest(line, stream.request, stream.arena);
          stream.request.authority = authority_;
          if (authority_ != "www.example.com") {
            stream.info.state = std::move(before_);
            stream.internal_redirects = std::make_unique<filter::InternalRedirects>();
          }
          stream.request.scheme = scheme_;
          if (routes_ == nullptr) return;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
        });
    stream_->SendRequest(true);
  }
  // What the router would have done.
  void Forward() {
    stream_->request.authority = "app.internal";
    stream_->info.upstream_host_name = "app-1.internal";
    stream_->info.upstream_remote = Ip("10.0.0.5", 8080);
    stream_->info.details = "via_upstream";
  }
  std::string Ask(uint16_t status, const Fields& fields = {}, const RequestLine& line = {"GET"},
                  const std::string& body = "original") {
    Send(line);
    Forward();
    for (const auto& [name, value] : fields) stream_->response.headers.Add(name, value);
    stream_->SendResponse(status, body, true);
    return ResponseText(*stream_);
  }
  std::string Location(const std::string& location, const RequestLine& line = {"GET", "/a"}) {
    Ask(302, {{"location", location}}, line);
    return Value(stream_->response.headers, "location");
  }
  std::string Request(const std::string& name) { return Value(stream_->request.headers, name); }
  std::string Response(const std::string& name) { return Value(stream_->response.headers, name); }
  std::string Printed(const std::string& format) {
    access_log::FormatInput input;
    input.stream = &stream_->info;
    input.request = &stream_->request;
    std::string out;
    access_log::Formatter::Compile(format)->Format(input, out);
    return out;
  }

  filter::ConnectionInfo connection_;
  std::string scheme_ = "https";
  std::string authority_ = "www.example.com";
  filter::FilterState before_;  // Of a stream that an internal redirect sent elsewhere.
  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(ShieldTest, AddressesAreMaskedInFieldsAndWhereTheyArePrinted) {
  Configure("client_address { also: 'X-Visitor' keep: 'x-client-ip' }");
  Send({.fields = {{"x-forwarded-for", "203.0.113.9, 2001:db8:1:2::3"},
                   {"x-forwarded-for", "[2001:db8::1]:80,198.51.100.4:99, evil"},
                   {"forwarded", "for=203.0.113.9;proto=https, For=\"[2001:db8:1:2::3]:1\";by=_x"},
                   {"x-real-ip", "203.0.113.9"},
                   {"x-visitor", "203.0.113.9"},
                   {"x-client-ip", "203.0.113.9"},
                   {"x-other", "203.0.113.9"}}});
  EXPECT_EQ(Request("x-forwarded-for"), "203.0.113.0, 2001:db8:1::");
  std::string second;
  for (const auto& header : stream_->request.headers) {
    if (header.name() == "x-forwarded-for") second = std::string(header.value());
  }
  EXPECT_EQ(second, "2001:db8::,198.51.100.0, unknown");
  EXPECT_EQ(Request("forwarded"), "for=203.0.113.0;proto=https, For=\"[2001:db8:1::]\";by=_x");
  EXPECT_EQ(Request("x-real-ip"), "203.0.113.0");
  EXPECT_EQ(Request("x-visitor"), "203.0.113.0");
  EXPECT_EQ(Request("x-client-ip"), "203.0.113.9");
  EXPECT_EQ(Request("x-other"), "203.0.113.9");
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "
                    "%DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% "
                    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%"),
            "203.0.113.0:0 203.0.113.0 0 192.0.2.0 203.0.0.0/16");
  EXPECT_EQ(stream_->info.remote, Ip("203.0.113.9", 5000));
}

TEST_F(ShieldTest, WithoutTheFilterOrItsPartAddressesStay) {
  Configure("response_headers {}");
  Send({.fields = {{"x-forwarded-for", "203.0.113.9"}}});
  EXPECT_EQ(Request("x-forwarded-for"), "203.0.113.9");
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS%"), "203.0.113.9:5000");
}

TEST_F(ShieldTest, FieldsCanBeRemoved) {
  Configure("client_address { mode: REMOVE ipv4_prefix_len { value: 8 } }");
  Send({.fields = {{"x-forwarded-for", "203.0.113.9"}, {"forwarded", "for=1.2.3.4"}, {"a", "b"}}});
  EXPECT_EQ(stream_->request.headers.size(), 1u);
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"), "203.0.0.0");
}

TEST_F(ShieldTest, WhatCannotBeReadDoesNotLeave) {
  Configure("client_address {}");
  std::string many;
  for (int i = 0; i < 300; ++i) many += "1.2.3.4,";
  Send({.fields = {{"forwarded", "for=\"203.0.113.9"}, {"x-forwarded-for", many}, {"a", "b"}}});
  EXPECT_EQ(stream_->request.headers.size(), 1u);
  Send({.fields = {{"forwarded", "for=203.0.113.9:80, for=_hidden;for=\"a\\\"b\", ;for=unknown"}}});
  EXPECT_EQ(Request("forwarded"), "for=203.0.113.0, for=_hidden;for=unknown, ;for=unknown");
  Send({.fields = {{"x-forwarded-for", "203.0.113.9%eth0, fe80::1%eth0,, 1.2.3.4.5, [::1"}}});
  EXPECT_EQ(Request("x-forwarded-for"), "203.0.113.0, fe80::,, unknown, unknown");
}

TEST_F(ShieldTest, FiltersInFrontSeeTheAddressAndTheLogOfARefusalDoesNot) {
  Configure("client_address {}");
  Send({.path = "/refused", .fields = {{"x-forwarded-for", "203.0.113.9"}}});
  EXPECT_EQ(DoorFactory::Door::seen, "203.0.113.9");
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(X-FORWARDED-FOR)%"),
            "203.0.113.0 203.0.113.0");
}

TEST_F(ShieldTest, FieldsOfTheOriginGo) {
  Configure("response_headers { also: 'X-Team' also: 'x-debug-*' keep: 'via' keep: 'x-varnish*' }");
  Send({"GET"});
  Forward();
  for (const char* name : {"server", "x-powered-by", "x-powered-by-plesk", "x-backend-host", "via",
                           "x-varnish", "x-team", "x-debug-token", "x-fine", "content-type"}) {
    stream_->response.headers.Add(name, "v");
  }
  stream_->SendResponse(200, "body", false);
  stream_->SendResponseTrailers({{"x-backend", "b7"}, {"x-sum", "1"}});
  std::string left;
  for (const auto& header : stream_->response.headers) {
    absl::StrAppend(&left, header.name(), " ");
  }
  EXPECT_EQ(left, "via x-varnish x-fine content-type ");
  EXPECT_EQ(ResponseText(*stream_), "200 body [x-sum=1;]");
}

TEST_F(ShieldTest, OwnRepliesKeepTheirFields) {
  Configure("response_headers { also: 'retry-after' }");
  Send({.path = "/refused"});
  EXPECT_EQ(Response("retry-after"), "7");
}

TEST_F(ShieldTest, RedirectsLeadTheClientBack) {
  Configure("origin_urls { origin_authorities: '*.svc.local' origin_authorities: 'old:81' }");
  EXPECT_EQ(Location("http://app.internal/x?y#z"), "https://www.example.com/x?y#z");
  EXPECT_EQ(Location("HTTP://APP.internal.:8080"), "https://www.example.com");
  EXPECT_EQ(Location("http://app-1.internal:8080/"), "https://www.example.com/");
  EXPECT_EQ(Location("https://10.0.0.5:8080/a"), "https://www.example.com/a");
  EXPECT_EQ(Location("http://u:p@10.0.0.5/"), "https://www.example.com/");
  EXPECT_EQ(Location("http://b.svc.local:9000/"), "https://www.example.com/");
  EXPECT_EQ(Location("http://old:81/"), "https://www.example.com/");
  EXPECT_EQ(Location("//app.internal/x"), "//www.example.com/x");
}

TEST_F(ShieldTest, OtherUrlsStay) {
  Configure("origin_urls { origin_authorities: '*.svc.local' origin_authorities: 'old:81' }");
  for (const char* url :
       {"/x", "x", "", "https://other.example/", "http://app.internal:9999/", "http://svc.local/",
        "http://old/", "http://app.internal@evil.example/", "http://10.0.0.6/", "//", "http://",
        "mailto:a@app.internal", "http://app.internal:x/", "http://[::1",
        "https://www.example.com/a", "https://www.example.com:8443/"}) {
    EXPECT_EQ(Location(url), url);
  }
}

TEST_F(ShieldTest, SchemesOfTheClientsOwnAuthority) {
  Configure("origin_urls {}");
  EXPECT_EQ(Location("http://www.example.com/b"), "https://www.example.com/b");
  EXPECT_EQ(Location("http://www.example.com:80/b"), "https://www.example.com/b");
  scheme_ = "http";
  EXPECT_EQ(Location("https://www.example.com/a"), "https://www.example.com/a");
  EXPECT_EQ(Location("https://app.internal/b"), "http://www.example.com/b");
  // It insists on TLS.
  EXPECT_EQ(Location("https://app.internal/a"), "https://www.example.com/a");
}

TEST_F(ShieldTest, InternalRedirectsDoNotHideWhatTheClientAskedFor) {
  Configure("origin_urls {}");
  Send({"GET", "/a"});
  stream_->internal_redirects = std::make_unique<filter::InternalRedirects>();
  stream_->Complete();
  // The way begins anew, with what filter state there is.
  before_ = std::move(stream_->info.state);
  authority_ = "app.internal";
  EXPECT_EQ(Location("http://app.internal/b"), "https://www.example.com/b");
}

TEST_F(ShieldTest, OtherFieldsWithUrls) {
  Configure("origin_urls { cookie_domains: true }");
  Ask(200, {{"content-location", "http://app.internal/doc"},
            {"refresh", "5; URL='http://app.internal/next'"},
            {"set-cookie", "a=app.internal; Path=/; domain=.App.Internal; Secure"}});
  EXPECT_EQ(Response("content-location"), "https://www.example.com/doc");
  EXPECT_EQ(Response("refresh"), "5; URL='https://www.example.com/next'");
  EXPECT_EQ(Response("set-cookie"), "a=app.internal; Path=/; Domain=www.example.com; Secure");
  Ask(200, {{"set-cookie", "a=b; Domain=example.com"}, {"refresh", "5"}});
  EXPECT_EQ(Response("set-cookie"), "a=b; Domain=example.com");
  EXPECT_EQ(Response("refresh"), "5");
  Ask(200, {{"set-cookie", "a=b; Domain=internal"}});
  EXPECT_EQ(Response("set-cookie"), "a=b; Domain=www.example.com");
  Configure("origin_urls {}");
  Ask(200, {{"set-cookie", "a=b; Domain=app.internal"}});
  EXPECT_EQ(Response("set-cookie"), "a=b; Domain=app.internal");
}

constexpr char kPages[] =
    "response_headers {} error_pages { statuses { first: 500 last: 599 } source: ORIGIN "
    "bodies { inline_string: '<p>sorry</p>' } "
    "bodies { inline_string: '{}' content_type: 'application/json' } status { value: 503 } } "
    "error_pages { statuses { first: 403 } source: LOCAL bodies { inline_string: 'away' "
    "content_type: 'text/plain' } }";

TEST_F(ShieldTest, PagesInThePlaceOfErrors) {
  Configure(kPages);
  EXPECT_EQ(Ask(500, {{"x-powered-by", "p"},
                      {"etag", "e"},
                      {"content-encoding", "gzip"},
                      {"content-length", "8"},
                      {"retry-after", "3"},
                      {"set-cookie", "a=b"}}),
            "503 <p>sorry</p>");
  EXPECT_EQ(Response("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(Response("content-length"), "12");
  EXPECT_EQ(Response("retry-after"), "3");
  EXPECT_EQ(Response("set-cookie"), "a=b");
  EXPECT_EQ(Response("vary"), "Accept");
  for (const char* name : {"x-powered-by", "etag", "content-encoding"}) {
    EXPECT_EQ(Response(name), "-") << name;
  }
  EXPECT_EQ(stream_->info.details, "via_upstream");
  EXPECT_EQ(Ask(404), "404 original");
  EXPECT_EQ(Ask(403), "403 original");
  EXPECT_FALSE(stream_->spun());
}

TEST_F(ShieldTest, OfLocalRepliesToo) {
  Configure(kPages);
  Send({.path = "/refused"});
  EXPECT_EQ(ResponseText(*stream_), "403 away");
  EXPECT_EQ(Response("retry-after"), "7");
  EXPECT_EQ(stream_->info.flags, filter::kUnauthorizedExternalService);
  EXPECT_EQ(stream_->info.details, "door");
}

TEST_F(ShieldTest, TheFormThatTheClientLikes) {
  Configure(kPages);
  const auto form = [this](const char* accept) {
    Ask(500, {}, {.method = "GET", .fields = {{"accept", accept}}});
    return Response("content-type");
  };
  EXPECT_EQ(form("application/json"), "application/json");
  EXPECT_EQ(form("text/html;q=0.3, application/*;q=0.5"), "application/json");
  EXPECT_EQ(form("text/html, */*;q=0.8"), "text/html; charset=utf-8");
  EXPECT_EQ(form("*/*"), "text/html; charset=utf-8");
  EXPECT_EQ(form("image/png"), "text/html; charset=utf-8");
  EXPECT_EQ(form("text/html;q=x, application/json;q=0.1"), "application/json");
}

TEST_F(ShieldTest, CallsOfGrpcGetAStatus) {
  Configure(kPages);
  Ask(500, {}, {.fields = {{"content-type", "application/grpc"}}});
  EXPECT_EQ(stream_->response.status, 200);
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "14");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"), "-");
  EXPECT_EQ(stream_->response_out.body.size(), 0u);
}

TEST_F(ShieldTest, ABodyThatHasNotEndedIsLetGo) {
  Configure(kPages);
  Send({"GET"});
  Forward();
  stream_->SendResponse(500, "the first of much", false);
  EXPECT_EQ(ResponseText(*stream_), "503 <p>sorry</p>");
}

TEST_F(ShieldTest, RoutesHaveTheirOwn) {
  Configure("client_address {}");
  auto config = RouteToOrigin();
  auto* host = config.mutable_virtual_hosts(0);
  auto& of_host = *host->mutable_typed_per_filter_config();
  of_host["f"] = Pack<PerRoute>("policy { client_address { ipv4_prefix_len { value: 16 } } }");
  routes_ = MakeRoutes(config);
  Send({.fields = {{"x-real-ip", "203.0.113.9"}}});
  EXPECT_EQ(Request("x-real-ip"), "203.0.0.0");
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"), "203.0.0.0");
  of_host["f"] = Pack<PerRoute>("disabled: true");
  routes_ = MakeRoutes(config);
  Send({.fields = {{"x-real-ip", "203.0.113.9"}}});
  EXPECT_EQ(Request("x-real-ip"), "203.0.113.9");
  EXPECT_EQ(Printed("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"), "203.0.113.9");
}

TEST(ShieldConfigTest, MistakesAreNamed) {
  const auto problem = [](const std::string& text) {
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != "proxenos.filters.http.shield.v3.Shield") continue;
      config::Errors errors;
      kind.create(Pack<Proto>(text), config::Path("f"), errors);
      return errors.ok() ? std::string() : errors.list()[0].ToString();
    }
    return std::string("no such filter");
  };
  const std::string page = "error_pages { bodies { inline_string: 'x' } ";
  EXPECT_EQ(problem("client_address { ipv4_prefix_len { value: 33 } }"),
            "f.client_address.ipv4_prefix_len: value 33: expected 0 to 32");
  EXPECT_EQ(problem("client_address { also: 'x-*' }"),
            "f.client_address.also[0]: value x-*: expected the name of a field");
  EXPECT_EQ(problem("response_headers { keep: '*' }"),
            "f.response_headers.keep[0]: value *: expected the name of a field, with or without "
            "'*' at its end");
  EXPECT_EQ(problem("origin_urls { origin_authorities: 'http://a/' }"),
            "f.origin_urls.origin_authorities[0]: value http://a/: expected a host, '*.' and a "
            "domain, or either with a port");
  EXPECT_EQ(problem(page + "}"), "f.error_pages[0].statuses: expected at least one range");
  EXPECT_EQ(problem(page + "statuses { first: 302 } }"),
            "f.error_pages[0].statuses[0]: value 302 to 302: expected statuses from 400 to 599, "
            "the first not above the last");
  EXPECT_EQ(problem("error_pages { statuses { first: 500 } }"),
            "f.error_pages[0].bodies: expected 1 to 8 of them");
  EXPECT_EQ(problem("error_pages { statuses { first: 500 } bodies { inline_string: 'x' "
                    "content_type: 'html' } }"),
            "f.error_pages[0].bodies[0].content_type: value html: expected a media type");
  EXPECT_NE(problem("error_pages { statuses { first: 500 } bodies { inline_string: '" +
                    std::string(200000, 'x') + "' } }"),
            "");
}

TEST(AddressMaskTest, Masks) {
  const auto masked = [](const char* ip, uint8_t v4, uint8_t v6) {
    return shield::Masked(Ip(ip, 9), {v4, v6}).ToString();
  };
  EXPECT_EQ(masked("203.0.113.9", 24, 48), "203.0.113.0:0");
  EXPECT_EQ(masked("203.0.113.9", 0, 0), "0.0.0.0:0");
  EXPECT_EQ(masked("2001:db8:1:2::3", 24, 48), "[2001:db8:1::]:0");
  EXPECT_EQ(masked("2001:db8:1:2::3", 24, 128), "[2001:db8:1:2::3]:0");
  EXPECT_EQ(masked("2002:cb00:7109::1", 24, 48), "[2002:cb00:7100::]:0");
  EXPECT_EQ(masked("::ffff:203.0.113.9", 24, 48), "203.0.113.0:0");
}

}  // namespace
}  // namespace proxenos::filters
