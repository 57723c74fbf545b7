// Changes of fields, one after another.
#include "source/route/field_change.h"

namespace proxenos::route {
namespace {

using http::HeaderId;

// Fields of the framing and of the connection are the codecs' business, whatever matches them.
bool IsCodecs(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kContentLength:
    case HeaderId::kHost:
    case HeaderId::kHttp2Settings:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Apply(const std::vector<FieldChange>& changes, http::HeaderMap& headers, RenderFormat render) {
  for (const FieldChange& change : changes) {
    if (!change.removed.has_value()) {
      Apply(change.one, headers, render);
      continue;
    }
    headers.RemoveIf([&change](const http::Header& field) {
      return !IsCodecs(field.id) && change.removed->Matches(field.name());
    });
  }
}

}  // namespace proxenos::route
