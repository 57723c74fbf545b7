// TreeInput: what of a MatchSubject a matcher looks at, as the inputs of the unified matcher API
// name it (envoy.extensions.matching.common_inputs, envoy.type.matcher.v3.Http*MatchInput).
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/filter/match_subject.h"
#include "source/match/reading.h"
#include "source/route/header_matcher.h"

namespace proxenos::cel {
class Expression;
}

namespace proxenos::filter {

struct TreeInput {
  enum class Kind : uint8_t {
    kHeader,
    kQueryParameter,  // `name`
    kDestinationIp,
    kDestinationPort,
    kSourceIp,
    kSourcePort,
    kDirectSourceIp,
    kSourceType,  // "local", or nothing.
    kServerName,
    kFilterState,  // `name`
    kMetadata,     // `path` in the namespace `name`.
    kUriSan,
    kDnsSan,
    kSubject,
    kConstant,        // `name` itself; nothing when that is empty.
    kStatus,          // Of the response: "503".
    kStatusClass,     // "5xx"
    kResponseHeader,  // `name`, in lower case.
    kLocalReply,      // "true" or "false"
    kExpression,      // "true" where `expression` holds, else nothing.
  };
  Kind kind = Kind::kHeader;
  std::string name{};
  std::vector<std::string> path{};
  route::FieldName header{};  // Of kHeader, by `name`.
  std::shared_ptr<const cel::Expression> expression{};

  void Read(const MatchSubject& subject, match::Reading& reading) const;

  bool IsAddress() const {
    return kind == Kind::kDestinationIp || kind == Kind::kSourceIp || kind == Kind::kDirectSourceIp;
  }
  friend bool operator==(const TreeInput& a, const TreeInput& b) {
    return a.kind == b.kind && a.name == b.name && a.path == b.path && a.expression == b.expression;
  }

 private:
  void ReadRequest(const http::RequestHead& head, match::Reading& reading) const;
  void ReadResponse(const MatchSubject& subject, match::Reading& reading) const;
  void ReadCertificate(const MatchSubject& subject, match::Reading& reading) const;
  void ReadExpression(const MatchSubject& subject, match::Reading& reading) const;
  void ReadAddress(const MatchSubject& subject, match::Reading& reading) const;
};

}  // namespace proxenos::filter
