// /cache: what caches hold; /cache/purge: takes out of them what is named.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/admin/pages.h"
#include "source/cache/key.h"
#include "source/cache/stores.h"

namespace proxenos::admin {
namespace {

constexpr char kUsage[] =
    "usage: /cache/purge?url=http://host/path?query (percent-encoded), or "
    "prefix=http://host/path,\n"
    "       or tag=TAG, or all; with store=NAME in that store alone\n";

// "scheme://authority/path", in pieces. False: it is something else.
struct Url {
  absl::string_view scheme, authority, path;
};
bool Split(absl::string_view text, Url* url) {
  const size_t scheme = text.find("://");
  if (scheme == absl::string_view::npos) return false;
  url->scheme = text.substr(0, scheme);
  text.remove_prefix(scheme + 3);
  const size_t slash = text.find('/');
  if (slash == 0 || slash == absl::string_view::npos) return false;
  url->authority = text.substr(0, slash);
  url->path = text.substr(slash);
  return url->scheme == "http" || url->scheme == "https";
}

using By = cache::PurgeRecord::By;

uint64_t Purge(cache::NamedStore& store, By by, const std::string& value, const Url& url) {
  if (by == By::kAll) return store.Purge({by, ""});
  if (by == By::kTag) return store.Purge({by, value});
  return store.Purge({by, cache::UrlText(url.scheme, url.authority, url.path, store.options.keys)});
}

}  // namespace

Response CachePage() {
  std::string text;
  for (const cache::StoreHandle& store : cache::StoreHandle::All()) {
    const cache::MemoryStore::Totals totals = store->memory.totals();
    absl::StrAppend(&text, store->name, ": ", totals.bytes, " of ", store->memory.max_bytes(),
                    " bytes, ", totals.urls, " URLs, ", totals.responses, " responses, ",
                    totals.evictions, " evicted, ", totals.fills, " under way\n");
  }
  return Response::Text(std::move(text));
}

Response CachePurgePage(const Request& request) {
  constexpr struct {
    const char* name;
    By by;
  } kWays[] = {{"url", By::kUrl}, {"prefix", By::kPrefix}, {"tag", By::kTag}, {"all", By::kAll}};
  const std::string* value = nullptr;
  By by = By::kUrl;
  for (const auto& way : kWays) {
    const std::string* given = request.params.Find(way.name);
    if (given == nullptr) continue;
    if (value != nullptr) return Response::Error(400, kUsage);  // What else was meant?
    value = given;
    by = way.by;
  }
  Url url;
  const bool by_url = by == By::kUrl || by == By::kPrefix;
  if (value == nullptr || (by_url && !Split(*value, &url)) || (by == By::kTag && value->empty())) {
    return Response::Error(400, kUsage);
  }
  const std::string* name = request.params.Find("store");
  uint64_t count = 0;
  bool any = false;
  for (const cache::StoreHandle& store : cache::StoreHandle::All()) {
    if (name != nullptr && store->name != *name) continue;
    any = true;
    count += Purge(*store.operator->(), by, *value, url);
  }
  if (!any) return Response::Error(404, "there is no such store\n");
  return Response::Text(absl::StrCat("purged ", count, "\n"));
}

}  // namespace proxenos::admin
