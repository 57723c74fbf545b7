// Reading of answers.
#include "source/filters/http/ext_authz/decision.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "source/rpc/header_wire.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ext_authz {
namespace {

using filter::HeaderChange;
using rpc::WireReader;
using How = HeaderChange::How;

// Field numbers of envoy.service.auth.v3.
enum ResponseField : uint32_t {
  kStatus = 1,
  kDenied = 2,
  kOk = 3,
  kDynamicMetadata = 4,
  kError = 5,
};
enum DeniedField : uint32_t { kDeniedStatus = 1, kDeniedHeaders = 2, kDeniedBody = 3 };
enum OkField : uint32_t {
  kHeaders = 2,
  kOkMetadata = 3,
  kHeadersToRemove = 5,
  kResponseHeaders = 6,
  kQueryToSet = 7,
  kQueryToRemove = 8,
};
// Fields of the request, and of a reply that denies: `append` is false unless it is said.
bool ReadSimpleOption(absl::string_view message, bool joins, std::vector<HeaderChange>* out) {
  rpc::HeaderOption option;
  if (!rpc::ReadHeaderOption(message, &option)) return false;
  const How how = joins && option.append.value_or(false) ? How::kJoinToPresent : How::kSet;
  out->push_back({how, std::move(option.name), std::move(option.value)});
  return true;
}

// Fields of the response to a request that is allowed.
bool ReadFullOption(absl::string_view message, Decision* decision) {
  static constexpr How kHows[] = {How::kAdd, How::kAddIfAbsent, How::kSet, How::kOverwritePresent};
  rpc::HeaderOption option;
  if (!rpc::ReadHeaderOption(message, &option)) return false;
  How how = How::kAdd;
  if (option.append.has_value()) {
    how = *option.append ? How::kAdd : How::kSet;
  } else if (option.action < 4) {
    how = kHows[option.action];
  } else {
    decision->bad_append_action = true;
    return true;
  }
  decision->response_changes.push_back({how, std::move(option.name), std::move(option.value)});
  return true;
}

bool ReadMetadata(absl::string_view message, json::Object* metadata) {
  std::optional<json::Object> read = rpc::ReadStruct(message);
  if (!read.has_value()) return false;
  *metadata = *std::move(read);
  return true;
}

bool ReadDenied(absl::string_view message, Decision* decision) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case kDeniedStatus: {
        WireReader status(reader.bytes());
        while (status.Next()) {
          const uint64_t code = status.number();
          // What is no final status could not be sent.
          if (status.field() == 1 && code >= 200 && code <= 599) {
            decision->status = static_cast<uint16_t>(code);
          }
        }
        if (!status.ok()) return false;
        break;
      }
      case kDeniedHeaders:
        if (!ReadSimpleOption(reader.bytes(), false, &decision->response_changes)) return false;
        break;
      case kDeniedBody:
        decision->body = std::string(reader.bytes());
        break;
      default:
        break;
    }
  }
  return reader.ok();
}

bool ReadOk(absl::string_view message, Decision* decision, bool* own_metadata) {
  WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    switch (reader.field()) {
      case kHeaders:
        good = ReadSimpleOption(reader.bytes(), true, &decision->request_changes);
        break;
      case kOkMetadata:
        *own_metadata = true;
        good = ReadMetadata(reader.bytes(), &decision->metadata);
        break;
      case kHeadersToRemove:
        decision->headers_to_remove.push_back(absl::AsciiStrToLower(reader.bytes()));
        break;
      case kResponseHeaders:
        good = ReadFullOption(reader.bytes(), decision);
        break;
      case kQueryToSet: {
        auto& [name, value] = decision->query_to_set.emplace_back();
        good = rpc::ReadNameAndValue(reader.bytes(), &name, &value);
        break;
      }
      case kQueryToRemove:
        decision->query_to_remove.emplace_back(reader.bytes());
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return reader.ok();
}

// The parts of a CheckResponse, of which the last of a kind counts.
struct Parts {
  uint64_t code = 0;
  std::optional<absl::string_view> denied, ok, error, metadata;
};

bool ReadParts(absl::string_view message, Parts* parts) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case kStatus: {
        WireReader status(reader.bytes());
        while (status.Next()) {
          if (status.field() == 1) parts->code = status.number();
        }
        if (!status.ok()) return false;
        break;
      }
      case kDenied:
        parts->denied = reader.bytes();
        break;
      case kOk:
        parts->ok = reader.bytes();
        break;
      case kError:
        parts->error = reader.bytes();
        break;
      case kDynamicMetadata:
        parts->metadata = reader.bytes();
        break;
      default:
        break;
    }
  }
  return reader.ok();
}

bool ReadDecision(const Parts& parts, Decision* decision) {
  bool own_metadata = false;
  if (parts.error.has_value()) {
    if (!ReadDenied(*parts.error, decision)) return false;
  } else if (parts.code == 0) {
    decision->verdict = Decision::Verdict::kAllow;
    if (parts.ok.has_value() && !ReadOk(*parts.ok, decision, &own_metadata)) return false;
  } else {
    decision->verdict = Decision::Verdict::kDeny;
    if (parts.denied.has_value() && !ReadDenied(*parts.denied, decision)) return false;
  }
  return own_metadata || !parts.metadata.has_value() ||
         ReadMetadata(*parts.metadata, &decision->metadata);
}

// Fields that are about the answer itself and not what it says.
bool IsOfMessage(const http::Header& field) {
  return field.id == http::HeaderId::kContentLength || field.id == http::HeaderId::kDate ||
         field.name() == "x-envoy-auth-headers-to-remove" ||
         field.id == http::HeaderId::kXEnvoyUpstreamServiceTime;
}

void ReadAllowed(const http::ResponseHead& head, const HttpServer& server, Decision* decision) {
  decision->verdict = Decision::Verdict::kAllow;
  for (const http::Header& field : head.headers) {
    const std::string name(field.name()), value(field.value());
    if (name == "x-envoy-auth-headers-to-remove") {
      for (absl::string_view one : absl::StrSplit(field.value(), ',')) {
        one = absl::StripAsciiWhitespace(one);
        if (!one.empty()) decision->headers_to_remove.push_back(absl::AsciiStrToLower(one));
      }
    }
    if (IsOfMessage(field)) continue;
    if (server.upstream.Matches(name)) {
      decision->request_changes.push_back({How::kSet, name, value});
    }
    if (server.upstream_to_append.Matches(name)) {
      decision->request_changes.push_back({How::kAdd, name, value});
    }
    if (server.client_on_success.Matches(name)) {
      decision->response_changes.push_back({How::kAdd, name, value});
    }
    if (server.metadata.Matches(name)) {
      decision->metadata.insert_or_assign(name, json::Value(value));
    }
  }
}

void ReadDenial(const http::ResponseHead& head, std::string body, const HttpServer& server,
                Decision* decision) {
  decision->verdict = Decision::Verdict::kDeny;
  decision->status = head.status;
  decision->body = std::move(body);
  for (const http::Header& field : head.headers) {
    // Where to log in is what a denial is about.
    const bool always =
        field.id == http::HeaderId::kWwwAuthenticate || field.id == http::HeaderId::kLocation;
    if (IsOfMessage(field)) continue;
    if (!server.client.has_value() || always || server.client->Matches(field.name())) {
      decision->response_changes.push_back(
          {How::kSet, std::string(field.name()), std::string(field.value())});
    }
  }
}

}  // namespace

Decision ReadCheckResponse(absl::string_view message) {
  Parts parts;
  Decision decision;
  if (ReadParts(message, &parts) && ReadDecision(parts, &decision)) return decision;
  return Decision{};
}

Decision ReadHttpResponse(const http::ResponseHead& head, std::string body,
                          const HttpServer& server) {
  Decision decision;
  if (head.status == 200) {
    ReadAllowed(head, server, &decision);
  } else if (head.status < 500) {
    ReadDenial(head, std::move(body), server, &decision);
  }
  return decision;
}

}  // namespace proxenos::filters::ext_authz
