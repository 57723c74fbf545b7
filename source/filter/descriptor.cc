// Actions, one by one.
#include "source/filter/descriptor.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/cel/expression.h"
#include "source/cel/print.h"
#include "source/filter/stream_attributes.h"
#include "source/http/path.h"
#include "source/route/rewrite.h"

namespace proxenos::filter {
namespace {

using route::RateLimitAction;
using Kind = RateLimitAction::Kind;

// What an action made of a request.
enum class Made : uint8_t { kEntry, kNothing, kNoDescriptor };

class Evaluation {
 public:
  explicit Evaluation(StreamContext& stream) : stream_(stream) {}

  Made Run(const RateLimitAction& action, absl::string_view* value) {
    switch (action.kind) {
      case Kind::kGenericKey:
        *value = action.value;
        return Made::kEntry;
      case Kind::kSourceCluster:
        if (stream_.environment.node != nullptr) *value = stream_.environment.node->cluster;
        return Made::kEntry;
      case Kind::kDestinationCluster:
        return DestinationCluster(value);
      case Kind::kRequestHeader:
        return Header(action, value);
      case Kind::kQueryParameter:
        return http::FindQueryParameter(stream_.request.path, action.parameter, value)
                   ? Made::kEntry
                   : Absent(action);
      case Kind::kRemoteAddress:
        return Address(32, 128, /*with_bits=*/false, value);
      case Kind::kMaskedRemoteAddress:
        return Address(action.v4_bits, action.v6_bits, /*with_bits=*/true, value);
      case Kind::kHeaderMatch:
      case Kind::kQueryMatch:
      case Kind::kRemoteAddressMatch:
        *value = action.value;
        return Matches(action) == action.expect_match ? Made::kEntry : Made::kNoDescriptor;
      case Kind::kDynamicMetadata:
        return Metadata(action, stream_.info.metadata.all(), value);
      case Kind::kRouteMetadata:
        return Metadata(action, stream_.route == nullptr ? nullptr : stream_.route->metadata.get(),
                        value);
      case Kind::kExpression:
        return Expression(action, value);
    }
    return Made::kNoDescriptor;
  }

 private:
  static Made Absent(const RateLimitAction& action) {
    return action.skip_if_absent ? Made::kNothing : Made::kNoDescriptor;
  }

  Made DestinationCluster(absl::string_view* value) {
    if (stream_.route == nullptr || stream_.route->forward() == nullptr) {
      return Made::kNoDescriptor;
    }
    *value = route::PickCluster(*stream_.route, stream_.match_input()).name;
    return Made::kEntry;
  }

  Made Header(const RateLimitAction& action, absl::string_view* value) {
    // Of several fields the first, so that one more takes nobody out of his limit.
    uint32_t seen = 0;
    const uint32_t count =
        action.header.ForEach(stream_.request, [value, &seen](absl::string_view one) {
          if (seen++ == 0) *value = one;
        });
    return count == 0 ? Absent(action) : Made::kEntry;
  }

  Made Address(uint32_t v4_bits, uint32_t v6_bits, bool with_bits, absl::string_view* value) {
    const absl::string_view bytes = stream_.info.remote.IpBytes();
    if (bytes.empty()) return Made::kNoDescriptor;
    uint8_t masked[16];
    std::memcpy(masked, bytes.data(), bytes.size());
    const uint32_t bits = bytes.size() == 4 ? v4_bits : v6_bits;
    match::MaskIp(masked, static_cast<uint32_t>(bytes.size()), bits);
    char text[INET6_ADDRSTRLEN];
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, masked, text, sizeof(text));
    *value = stream_.arena.Copy(with_bits ? absl::StrCat(text, "/", bits) : std::string(text));
    return Made::kEntry;
  }

  bool Matches(const RateLimitAction& action) const {
    if (action.kind == Kind::kHeaderMatch) return AllMatch(action.headers, stream_.request);
    if (action.kind == Kind::kQueryMatch) {
      for (const route::QueryMatcher& matcher : action.query) {
        if (!matcher.Matches(stream_.request.path)) return false;
      }
      return true;
    }
    for (const match::IpRange& range : action.ranges) {
      if (range.Contains(stream_.info.remote.IpBytes())) return true;
    }
    return false;
  }

  Made Metadata(const RateLimitAction& action, const json::Object* spaces,
                absl::string_view* value) {
    const json::Value* found = spaces == nullptr ? nullptr : json::FindPath(*spaces, action.path);
    if (found != nullptr && found->text() != nullptr) *value = *found->text();
    if (value->empty()) *value = action.value;
    return value->empty() ? Absent(action) : Made::kEntry;
  }

  Made Expression(const RateLimitAction& action, absl::string_view* value) {
    MatchSubject subject = MatchSubject::OfRequest(stream_.info, stream_.request);
    if (stream_.route != nullptr) subject.route_metadata = stream_.route->metadata.get();
    const StreamAttributes attributes(subject);
    cel::Memory memory;
    const cel::Value result = action.expression->Evaluate(attributes, memory);
    if (result.IsError()) return Absent(action);
    *value = stream_.arena.Copy(cel::Print(result));
    return Made::kEntry;
  }

  StreamContext& stream_;
};

}  // namespace

void AppendDescriptors(const route::RateLimits& limits, const DescriptorsWanted& wanted,
                       StreamContext& stream, std::vector<Descriptor>* out) {
  Evaluation evaluation(stream);
  for (const route::RateLimit& limit : limits) {
    if (limit.stage != wanted.stage || (limit.has_disable_key && wanted.without_disabled)) continue;
    Descriptor descriptor;
    descriptor.limit = &limit;
    bool made = true;
    for (const RateLimitAction& action : limit.actions) {
      absl::string_view value;
      Made result = evaluation.Run(action, &value);
      if (result == Made::kEntry && !action.format.empty()) {
        value = wanted.render(action.format);
        if (value.empty()) value = action.value;
        if (value.empty()) result = Made::kNoDescriptor;
      }
      made = result != Made::kNoDescriptor;
      if (!made) break;
      if (result == Made::kEntry) descriptor.entries.push_back({action.key, value});
    }
    if (made && !descriptor.entries.empty()) out->push_back(std::move(descriptor));
  }
}

std::vector<Descriptor> DescriptorsOfRoute(uint32_t stage, HostLimits host_limits,
                                           bool without_disabled, StreamContext& stream) {
  std::vector<Descriptor> descriptors;
  if (stream.route == nullptr || stream.route->forward() == nullptr) return descriptors;
  const route::Forward& forward = *stream.route->forward();
  const auto render = [&stream](const route::RateLimitFormat& format) {
    return stream.FormatValue(format.index);
  };
  const DescriptorsWanted wanted{stage, without_disabled, render};
  AppendDescriptors(forward.rate_limits, wanted, stream, &descriptors);
  if (forward.include_host_rate_limits) host_limits = HostLimits::kInclude;
  if (host_limits == HostLimits::kInclude ||
      (host_limits == HostLimits::kOverride && forward.rate_limits.empty())) {
    AppendDescriptors(stream.route->virtual_host->rate_limits, wanted, stream, &descriptors);
  }
  return descriptors;
}

}  // namespace proxenos::filter
