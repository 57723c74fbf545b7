// What a codec took out of a head goes back in: rules look for it.
#include "source/filters/http/waf/facts.h"

#include <algorithm>

namespace proxenos::filters::waf {
namespace {

using proxenos::waf::Endpoint;
using proxenos::waf::FieldTexts;

Endpoint EndpointOf(const net::Address& address) {
  return Endpoint{address.is_ip() ? address.IpString() : std::string(), address.port()};
}

std::string VersionOf(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return "1.0";
    case http::Version::kHttp11:
      return "1.1";
    case http::Version::kHttp2:
      break;
  }
  return "2.0";
}

void AddFields(const http::HeaderMap& headers, FieldTexts& fields) {
  for (const http::Header& header : headers) {
    fields.emplace_back(std::string(header.name()), std::string(header.value()));
  }
}

// HTTP/2 has no such field.
void AddTransferEncoding(http::Version version, const http::Framing& framing, FieldTexts& fields) {
  if (version != http::Version::kHttp2 && framing.kind == http::Framing::kChunked) {
    fields.emplace_back("transfer-encoding", "chunked");
  }
}

}  // namespace

proxenos::waf::RequestFacts RequestFactsOf(const filter::StreamContext& stream) {
  const http::RequestHead& head = stream.request;
  proxenos::waf::RequestFacts facts;
  facts.client = EndpointOf(stream.info.remote);
  if (stream.info.connection != nullptr) {
    facts.server = EndpointOf(stream.info.connection->local);
  }
  facts.method = std::string(head.method_text);
  // CONNECT has its target in the authority alone.
  facts.uri = std::string(head.path.empty() ? head.authority : head.path);
  facts.version = VersionOf(head.version);
  facts.fields.reserve(head.headers.size() + 3);
  if (!head.authority.empty()) facts.fields.emplace_back("host", std::string(head.authority));
  AddFields(head.headers, facts.fields);
  AddTransferEncoding(head.version, head.framing, facts.fields);
  if (!head.upgrade.empty()) facts.fields.emplace_back("upgrade", std::string(head.upgrade));
  return facts;
}

proxenos::waf::ResponseFacts ResponseFactsOf(const filter::StreamContext& stream) {
  const http::ResponseHead& head = stream.response;
  proxenos::waf::ResponseFacts facts;
  facts.status = head.status;
  facts.protocol = std::string("HTTP/") + VersionOf(head.version);
  AddFields(head.headers, facts.fields);
  AddTransferEncoding(head.version, head.framing, facts.fields);
  return facts;
}

std::string BeginOf(const buffer::Buffer& body, uint64_t limit) {
  std::string begin;
  begin.reserve(std::min(limit, body.size()));
  for (size_t i = 0; i < body.slice_count() && begin.size() < limit; ++i) {
    const absl::string_view piece = body.slice(i).view();
    begin.append(piece.data(), std::min<uint64_t>(piece.size(), limit - begin.size()));
  }
  return begin;
}

}  // namespace proxenos::filters::waf
