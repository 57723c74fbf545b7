// Building of the table, and host to virtual host.
#include "source/route/route_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/http/path.h"
#include "source/route/folded_text.h"
#include "source/route/route_tree.h"

namespace proxenos::route {
namespace {

std::unique_ptr<const Route> BuildTlsRedirect(const VirtualHost& virtual_host) {
  auto route = std::make_unique<Route>();
  route->virtual_host = &virtual_host;
  Redirect redirect;
  redirect.scheme = "https";
  route->action = std::move(redirect);
  return route;
}

// Each segment up to its first semicolon (RFC 3986, section 3.3), as servlet containers read it:
// who left out only what stands behind the first one of all would match "/admin;x/y" as "/admin".
// The result may point into `storage`.
absl::string_view WithoutParameters(absl::string_view path, std::string& storage) {
  size_t semicolon = path.find(';');
  while (semicolon != absl::string_view::npos) {
    const size_t slash = path.find('/', semicolon);
    absl::StrAppend(&storage, path.substr(0, semicolon));
    if (slash == absl::string_view::npos) return storage;
    path.remove_prefix(slash);
    semicolon = path.find(';');
  }
  if (storage.empty()) return path;
  absl::StrAppend(&storage, path);
  return storage;
}

// The last match of a walk: the longest key that leaves at least one byte of the text, since a
// wildcard stands for something.
uint32_t LongestProperPrefix(const RadixTree& tree, absl::string_view text) {
  uint32_t longest = RadixTree::kNoValue;
  tree.ForEachPrefixOf(text, [&](uint32_t value, size_t length) {
    if (length < text.size()) longest = value;
  });
  return longest;
}

}  // namespace

std::shared_ptr<const RouteTable> RouteTable::Build(RouteTableParts parts) {
  return std::make_shared<const RouteTable>(std::move(parts));
}

RouteTable::RouteTable(RouteTableParts parts) : parts_(std::move(parts)) {
  std::vector<VirtualHost>& hosts = parts_.virtual_hosts;
  for (size_t i = 0; i < hosts.size(); ++i) {
    VirtualHost& host = hosts[i];
    for (Route& route : host.routes) route.virtual_host = &host;
    if (host.tree == nullptr) host.index = BuildPathIndex(host.routes);
    if (host.require_tls != VirtualHost::RequireTls::kNone) {
      host.tls_redirect = BuildTlsRedirect(host);
    }
    for (const std::string& domain : host.domains) AddDomain(domain, static_cast<uint32_t>(i));
  }
  suffixes_.Build();
  prefixes_.Build();
  any_only_ = exact_.empty() && suffixes_.empty() && prefixes_.empty();
}

void RouteTable::AddDomain(absl::string_view domain, uint32_t virtual_host) {
  if (domain == "*") {
    any_ = &parts_.virtual_hosts[virtual_host];
  } else if (!domain.empty() && domain.front() == '*') {
    suffixes_.Add(std::string(domain.rbegin(), domain.rend() - 1), virtual_host);
  } else if (!domain.empty() && domain.back() == '*') {
    prefixes_.Add(std::string(domain.substr(0, domain.size() - 1)), virtual_host);
  } else {
    const bool added = exact_.emplace(domain, virtual_host).second;
    DCHECK(added);
    static_cast<void>(added);
  }
}

const VirtualHost* RouteTable::FindVirtualHost(absl::string_view authority) const {
  if (any_only_) return any_;
  if (authority.empty()) {  // No pattern has it, one domain may be it.
    const auto none = exact_.find(authority);
    return none != exact_.end() ? &parts_.virtual_hosts[none->second] : any_;
  }
  if (parts_.ignore_port_in_host_matching) authority = http::StripPort(authority);
  const FoldedText folded(authority);
  const absl::string_view host = folded.view();
  const auto exact = exact_.find(host);
  if (exact != exact_.end()) return &parts_.virtual_hosts[exact->second];
  if (!suffixes_.empty()) {
    // Only the bytes that a suffix could reach are spelt backwards.
    char backwards[256];
    std::string long_backwards;
    absl::string_view reversed;
    if (host.size() <= sizeof(backwards)) {
      std::reverse_copy(host.begin(), host.end(), backwards);
      reversed = absl::string_view(backwards, host.size());
    } else {
      long_backwards.assign(host.rbegin(), host.rend());
      reversed = long_backwards;
    }
    const uint32_t found = LongestProperPrefix(suffixes_, reversed);
    if (found != RadixTree::kNoValue) return &parts_.virtual_hosts[found];
  }
  const uint32_t found = LongestProperPrefix(prefixes_, host);
  return found != RadixTree::kNoValue ? &parts_.virtual_hosts[found] : any_;
}

absl::string_view RouteTable::NamedHost(const http::RequestHead& head) const {
  absl::string_view value;
  return parts_.vhost_header.First(head, &value) ? value : absl::string_view();
}

const Route* RouteTable::Match(const MatchInput& input) const {
  const VirtualHost* host = any_only_ ? any_ : FindVirtualHost(HostOf(input.head));
  if (host == nullptr) return nullptr;
  if (host->tls_redirect != nullptr && !input.is_https &&
      (host->require_tls == VirtualHost::RequireTls::kAll || !input.is_internal)) {
    return host->tls_redirect.get();
  }
  std::string storage;
  return host->Match(input, PathToMatch(input.head.path, storage));
}

absl::string_view RouteTable::PathToMatch(absl::string_view target, std::string& storage) const {
  const absl::string_view path = http::WithoutQuery(target);
  return parts_.ignore_path_parameters ? WithoutParameters(path, storage) : path;
}

}  // namespace proxenos::route
