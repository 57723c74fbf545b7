// What the shield reads of peers, on any bytes: lists of addresses, Forwarded, URLs, cookies,
// Accept. What it writes keeps its promise when it is read again, and adds nothing that no field
// may hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/filters/http/shield/client_fields.h"
#include "source/filters/http/shield/error_pages.h"
#include "source/filters/http/shield/origin_urls.h"

namespace proxenos::filters::shield {
namespace {

constexpr AddressMask kMask{24, 48};

void RunAddresses(const std::string& text) {
  std::string once;
  std::string twice;
  if (MaskList(text, kMask, once)) {
    CHECK(MaskList(once, kMask, twice));
    CHECK(once == twice);
    CHECK(std::count(text.begin(), text.end(), ',') == std::count(once.begin(), once.end(), ','));
    CHECK(once.size() <= 16 + 9 * text.size());
  }
  once.clear();
  twice.clear();
  if (MaskForwarded(text, kMask, once)) {
    CHECK(MaskForwarded(once, kMask, twice));
    CHECK(once == twice);
    CHECK(once.size() <= 16 + 9 * text.size());
  }
}

void RunUrls(const std::string& text) {
  const ClientPlace client{"https", "www.example.com", "/a"};
  const OriginPlace origin{"app.internal:8080", "app-1.internal",
                           *net::Address::FromIp("10.0.0.5", 8081)};
  const AuthorityPattern listed[] = {{"svc.local", true, 0}, {"old", false, 81}};
  const UrlRewriter rewriter(client, origin, listed);
  if (const auto url = rewriter.Url(text)) {
    CHECK(url->size() <= text.size() + 32);
    CHECK(!rewriter.Url(*url));  // It is the client's now.
  }
  if (const auto refresh = rewriter.Refresh(text)) {
    CHECK(refresh->size() <= text.size() + 32);
    CHECK(!rewriter.Refresh(*refresh));
  }
  if (const auto cookie = rewriter.Cookie(text)) CHECK(!rewriter.Cookie(*cookie));
}

void RunAccept(const std::string& text) {
  buffer::Arena arena;
  http::HeaderMap request(arena);
  request.Add(http::HeaderId::kAccept, text);
  ErrorPage page;
  page.bodies = {{"a", "text/html", "text", "html"},
                 {"b", "application/json", "application", "json"}};
  const ErrorPage::Body& body = page.Choose(request);
  CHECK(&body == &page.bodies[0] || &body == &page.bodies[1]);
}

}  // namespace
}  // namespace proxenos::filters::shield

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  proxenos::filters::shield::RunAddresses(text);
  proxenos::filters::shield::RunUrls(text);
  proxenos::filters::shield::RunAccept(text);
  return 0;
}
