// Condition: envoy.config.rbac.v3.Permission or Principal, compiled to a tree: something that holds
// of an access or does not. Both are the same kind of thing, asked of different sides.
//
// Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/match/ip_range.h"
#include "source/match/string_matcher.h"
#include "source/net/address.h"
#include "source/route/header_matcher.h"

namespace proxenos::rbac {

// What is asked for, and by whom.
struct Access {
  const filter::ConnectionInfo& connection;
  // The client, as trusted hops tell it: StreamInfo::remote, or ConnectionInfo::remote().
  const net::Address& remote;
  absl::string_view server_name;            // SNI; may be empty.
  const http::RequestHead* head = nullptr;  // Null where it is a connection that is asked for.
};

class Condition {
 public:
  enum class Side : uint8_t { kDestination, kSource, kDirectSource, kRemote };

  static Condition Any() { return Condition(Kind::kAny); }
  static Condition All(std::vector<Condition> conditions);
  static Condition OneOf(std::vector<Condition> conditions);
  static Condition Not(Condition condition);
  // Of a request; never of a connection.
  static Condition Header(route::HeaderMatcher matcher);
  static Condition Path(match::StringMatcher matcher);  // Without the query.
  static Condition Address(Side side, match::IpRange range);
  static Condition DestinationPort(uint32_t first, uint32_t last);
  static Condition ServerName(match::StringMatcher matcher);
  // Of a TLS client: any, or one whose certificate has such a URI, DNS name or subject.
  static Condition Authenticated(std::optional<match::StringMatcher> name);

  bool Holds(const Access& access) const;

 private:
  enum class Kind : uint8_t {
    kAny,
    kAll,
    kOneOf,
    kNot,
    kHeader,
    kPath,
    kAddress,
    kPort,
    kServerName,
    kAuthenticated,
  };

  explicit Condition(Kind kind) : kind_(kind) {}
  static Condition Of(Kind kind, std::vector<Condition> children);
  static Condition Of(Kind kind, std::optional<match::StringMatcher> text);
  const net::Address& AddressOf(const Access& access) const;
  bool HoldsOfPeer(const tls::SessionInfo* session) const;

  Kind kind_;
  Side side_ = Side::kRemote;
  uint32_t first_port_ = 0;
  uint32_t last_port_ = 0;
  match::IpRange range_;
  std::optional<match::StringMatcher> text_;
  std::optional<route::HeaderMatcher> header_;
  std::vector<Condition> children_;
};

}  // namespace proxenos::rbac
