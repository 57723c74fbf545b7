// Heads to lists of fields.
#include "source/http2/field_list.h"

#include <array>
#include <cstring>

#include "source/http/chars.h"
#include "source/http/checked_copy.h"
#include "source/http/percent.h"

namespace proxenos::http2 {
namespace {

using http::Framing;
using http::Header;
using http::HeaderId;

enum class Treatment : uint8_t {
  kPass,
  kNoIndex,  // Never the same twice: not worth a place in the peer's table.
  kLength,
  kDrop,  // Of a connection, or written from the typed parts of the head.
};

constexpr std::array<Treatment, static_cast<size_t>(HeaderId::kCount)> kTreatment = [] {
  std::array<Treatment, static_cast<size_t>(HeaderId::kCount)> table{};
  for (HeaderId id : {HeaderId::kConnection, HeaderId::kHost, HeaderId::kHttp2Settings,
                      HeaderId::kKeepAlive, HeaderId::kProxyConnection, HeaderId::kTe,
                      HeaderId::kTransferEncoding, HeaderId::kUpgrade}) {
    table[static_cast<size_t>(id)] = Treatment::kDrop;
  }
  table[static_cast<size_t>(HeaderId::kContentLength)] = Treatment::kLength;
  for (HeaderId id : {HeaderId::kXRequestId, HeaderId::kXEnvoyUpstreamServiceTime}) {
    table[static_cast<size_t>(id)] = Treatment::kNoIndex;
  }
  return table;
}();

absl::string_view Decimal(uint64_t value, char (&digits)[20]) {
  char* p = digits + 20;
  do {
    *--p = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return absl::string_view(p, static_cast<size_t>(digits + 20 - p));
}

}  // namespace

void FieldList::Add(absl::string_view name, absl::string_view value, uint8_t flags) {
  // Word by word into its place: put together elsewhere, the copy would wait for each of them.
  nghttp2_nv& field = fields_.emplace_back();
  // nghttp2 does not write to what it is told not to copy.
  field.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
  field.value =
      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data() == nullptr ? "" : value.data()));
  field.namelen = name.size();
  field.valuelen = value.size();
  field.flags =
      static_cast<uint8_t>(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE | flags);
}

void FieldList::AddChecked(absl::string_view name, absl::string_view value, uint8_t flags) {
  if (!http::IsValue(value.data(), value.size())) {
    char* const clean = static_cast<char*>(arena_.Allocate(value.size()));
    for (size_t i = 0; i < value.size(); ++i) {
      clean[i] = http::IsValueChar(value[i]) ? value[i] : ' ';
    }
    value = absl::string_view(clean, value.size());
  }
  // RFC 9113, 8.2.1: a peer may take white space around a value, which a format or a service may
  // have made, for an attack. In HTTP/1.1 it is no part of the value.
  while (!value.empty() && http::IsBlank(value.front())) value.remove_prefix(1);
  while (!value.empty() && http::IsBlank(value.back())) value.remove_suffix(1);
  Add(name, value, flags);
}

// What may not stand in a target is percent-encoded, as in HTTP/1.1.
void FieldList::AddTarget(absl::string_view path) {
  size_t bad = 0;
  for (char c : path) bad += !http::IsTargetChar(c);
  if (bad == 0) {
    Add(":path", path.empty() ? "/" : path);
    return;
  }
  char* const clean = static_cast<char*>(arena_.Allocate(path.size() + 2 * bad));
  const char* const end = http::WritePercentEncoded(clean, path, http::IsTargetChar);
  Add(":path", absl::string_view(clean, static_cast<size_t>(end - clean)));
}

void FieldList::AddFields(const http::HeaderMap& headers, Length rule, uint64_t length) {
  bool length_said = rule != Length::kExactly;
  const absl::string_view length_text =
      length_said ? absl::string_view() : Decimal(length, length_digits_);
  for (const Header& header : headers) {
    uint8_t flags = NGHTTP2_NV_FLAG_NONE;
    switch (kTreatment[static_cast<size_t>(header.id)]) {
      case Treatment::kDrop:
        continue;
      case Treatment::kLength:
        if (rule == Length::kDrop) continue;
        if (rule == Length::kExactly) {
          if (length_said || header.value() != length_text) continue;
          length_said = true;
        }
        break;
      case Treatment::kNoIndex:
        flags = NGHTTP2_NV_FLAG_NO_INDEX;
        break;
      case Treatment::kPass:
        break;
    }
    if (header.id == HeaderId::kUnknown && !http::IsValue(header.name_data, header.name_size)) {
      continue;  // No name that anybody could mean.
    }
    AddChecked(header.name(), header.value(), flags);
  }
  if (!length_said) Add("content-length", length_text);
}

void FieldList::AddResponse(const http::ResponseHead& head, uint16_t status, bool to_head) {
  status_digits_[0] = static_cast<char>('0' + status / 100 % 10);
  status_digits_[1] = static_cast<char>('0' + status / 10 % 10);
  status_digits_[2] = static_cast<char>('0' + status % 10);
  Add(":status", absl::string_view(status_digits_, 3));
  Length rule = Length::kDrop;
  if (status >= 200 && status != 204) {
    if (to_head || status == 304) {
      rule = Length::kKeep;  // It tells of the response that a GET would have had.
    } else if (head.framing.kind == Framing::kLength) {
      rule = Length::kExactly;
    }
  }
  AddFields(head.headers, rule, head.framing.length);
}

void FieldList::AddRequest(const http::RequestHead& head) {
  const bool plain_connect = head.method == http::Method::kConnect;
  if (!head.upgrade.empty()) {
    Add(":method", "CONNECT");
    AddChecked(":protocol", head.upgrade);
  } else {
    AddChecked(":method", head.method_text.empty() ? "GET" : head.method_text);
  }
  if (!plain_connect) {
    Add(":scheme", head.scheme.empty() ? "http" : head.scheme);
    AddTarget(head.path);
  }
  AddChecked(":authority", head.authority);
  const bool length = head.framing.kind == Framing::kLength;
  AddFields(head.headers, length ? Length::kExactly : Length::kDrop, head.framing.length);
  if (head.te_trailers) Add("te", "trailers");
}

void FieldList::MakeCopied() {
  for (nghttp2_nv& field : fields_) {
    field.flags &=
        static_cast<uint8_t>(~(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE));
  }
}

void FieldList::AddTrailers(const http::HeaderMap& trailers) {
  AddFields(trailers, Length::kDrop, 0);
}

}  // namespace proxenos::http2
