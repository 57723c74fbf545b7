// Condition: envoy.config.rbac.v3.Permission or Principal, compiled to a tree: something that holds
// of an access or does not. Both are the same kind of thing, asked of different sides.
//
// Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/filter/match_subject.h"
#include "source/match/ip_range.h"
#include "source/match/string_matcher.h"
#include "source/match/value_matcher.h"
#include "source/route/header_matcher.h"

namespace proxenos::rbac {

// What is asked for, and by whom: all that a rule can look at.
using Access = filter::MatchSubject;

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
  // Of a TLS client whose certificate was validated: any, or one with such a name of that kind
  // (extensions.rbac.principals.mtls_authenticated).
  enum class San : uint8_t { kUri, kDns, kEmail, kIp };
  static Condition Validated();
  static Condition Validated(San kind, match::StringMatcher name);
  // Of the metadata of the stream, or of its route.
  static Condition Metadata(match::MetadataMatcher matcher, bool of_route);
  static Condition FilterState(std::string name, match::StringMatcher value);
  static Condition FilterState(std::string name, match::IpRange range);

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
    kValidated,
    kMetadata,
    kRouteMetadata,
    kState,
    kStateInRange,
  };

  explicit Condition(Kind kind) : kind_(kind) {}
  static Condition Of(Kind kind, std::vector<Condition> children);
  static Condition Of(Kind kind, std::optional<match::StringMatcher> text);
  const net::Address& AddressOf(const Access& access) const;
  bool HoldsOfPeer(const tls::SessionInfo* session) const;
  bool HoldsOfValidated(const tls::SessionInfo* session) const;
  const std::string* StateOf(const Access& access) const;

  Kind kind_;
  Side side_ = Side::kRemote;
  San san_ = San::kUri;
  uint32_t first_port_ = 0;
  uint32_t last_port_ = 0;
  match::IpRange range_;
  std::optional<match::StringMatcher> text_;
  std::optional<route::HeaderMatcher> header_;
  std::shared_ptr<const match::MetadataMatcher> metadata_;
  std::string state_name_;
  std::vector<Condition> children_;
};

}  // namespace proxenos::rbac
