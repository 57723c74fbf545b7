// Reading texts of connections and requests.
#include "source/rbac/input.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/tls/session_info.h"

namespace proxenos::rbac {
namespace {

using Names = std::vector<std::string>;

// Null when the client has shown no certificate.
const tls::SessionInfo::Certificate* PeerOf(const Access& access) {
  return access.connection.tls == nullptr ? nullptr : access.connection.tls->peer();
}

const Names* SansOf(Input::Kind kind, const Access& access) {
  const tls::SessionInfo::Certificate* peer = PeerOf(access);
  if (peer == nullptr) return nullptr;
  return kind == Input::Kind::kUriSan ? &peer->uri_sans : &peer->dns_sans;
}

const net::Address& AddressOf(Input::Kind kind, const Access& access) {
  switch (kind) {
    case Input::Kind::kDestinationIp:
    case Input::Kind::kDestinationPort:
      return access.connection.local;
    case Input::Kind::kDirectSourceIp:
      return access.connection.direct_remote;
    default:
      return access.remote;
  }
}

bool Keep(std::string text, std::string& scratch, absl::string_view* out) {
  if (text.empty()) return false;
  scratch = std::move(text);
  *out = scratch;
  return true;
}

}  // namespace

absl::string_view Input::ReadIp(const Access& access) const {
  return AddressOf(kind, access).IpBytes();
}

bool Input::Read(const Access& access, std::string& scratch, absl::string_view* text) const {
  switch (kind) {
    case Kind::kHeader: {
      if (access.head == nullptr) return false;
      scratch.clear();
      uint32_t n = 0;
      header.ForEach(*access.head, [&](absl::string_view value) {
        absl::StrAppend(&scratch, n++ == 0 ? "" : ",", value);
      });
      *text = scratch;
      return n != 0;
    }
    case Kind::kDestinationIp:
    case Kind::kSourceIp:
    case Kind::kDirectSourceIp:
      return Keep(AddressOf(kind, access).IpString(), scratch, text);
    case Kind::kDestinationPort:
    case Kind::kSourcePort:
      if (ReadIp(access).empty()) return false;
      return Keep(absl::StrCat(AddressOf(kind, access).port()), scratch, text);
    case Kind::kServerName:
      *text = access.server_name;
      return !text->empty();
    case Kind::kFilterState: {
      const std::string* value = access.state == nullptr ? nullptr : access.state->Find(name);
      if (value == nullptr) return false;
      *text = *value;
      return true;
    }
    case Kind::kUriSan:
    case Kind::kDnsSan: {
      const Names* names = SansOf(kind, access);
      return names != nullptr && Keep(absl::StrJoin(*names, ","), scratch, text);
    }
    case Kind::kStatus:
    case Kind::kStatusClass:
    case Kind::kResponseHeader:
      return access.response != nullptr && ReadResponse(*access.response, scratch, text);
    case Kind::kSubject: {
      const tls::SessionInfo::Certificate* peer = PeerOf(access);
      if (peer == nullptr || peer->subject.empty()) return false;
      *text = peer->subject;
      return true;
    }
  }
  return false;
}

bool Input::ReadResponse(const http::ResponseHead& head, std::string& scratch,
                         absl::string_view* text) const {
  if (kind == Kind::kStatus) return Keep(absl::StrCat(head.status), scratch, text);
  if (kind == Kind::kStatusClass) return Keep(absl::StrCat(head.status / 100, "xx"), scratch, text);
  uint32_t n = 0;
  scratch.clear();
  for (const http::Header& field : head.headers) {
    if (field.name() == name) absl::StrAppend(&scratch, n++ == 0 ? "" : ",", field.value());
  }
  *text = scratch;
  return n != 0;
}

bool Input::Matches(const Access& access, const match::StringMatcher& matcher) const {
  if (kind == Kind::kUriSan || kind == Kind::kDnsSan) {
    const Names* names = SansOf(kind, access);
    if (names == nullptr) return false;
    if (std::any_of(names->begin(), names->end(),
                    [&](const std::string& one) { return matcher.Matches(one); })) {
      return true;
    }
    if (names->size() < 2) return false;
  }
  std::string scratch;
  absl::string_view text;
  return Read(access, scratch, &text) && matcher.Matches(text);
}

}  // namespace proxenos::rbac
