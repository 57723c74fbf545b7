// The walk over a resource's top-level fields, and the wrapper that a resource may come in.
#include "source/xds/any_resource.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::xds {
namespace {

using google::protobuf::internal::WireFormatLite;

using Wrapper = envoy::service::discovery::v3::Resource;

constexpr char kWrapperType[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";

// Longer names are nobody's; they would come back in every request.
constexpr size_t kMaxNameBytes = 4096;

base::Nanos TtlOf(const Wrapper& wrapper) {
  // Protobuf's own bound, 10,000 years, is more than nanoseconds can hold.
  constexpr int64_t kLongest = 100LL * 365 * 24 * 3600;
  const int64_t seconds = std::clamp<int64_t>(wrapper.ttl().seconds(), -1, kLongest);
  return seconds * base::kSecond + wrapper.ttl().nanos();
}

const std::string& NameOf(const Wrapper& wrapper) {
  return wrapper.has_resource_name() ? wrapper.resource_name().name() : wrapper.name();
}

// A few names at most are one resource's.
constexpr int kMaxAliases = 1000;

absl::Status CheckLength(absl::string_view name) {
  if (name.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("name: ", name.size(), " bytes, at most ", kMaxNameBytes, " are accepted"));
}

absl::StatusOr<Resource> UnpackPlain(google::protobuf::Any entry, const ResourceType& type,
                                     absl::string_view version) {
  if (absl::string_view(entry.type_url()) != type.url) {
    return absl::InvalidArgumentError(
        absl::StrCat("type ", entry.type_url().substr(0, 200), ": expected ", type.url));
  }
  absl::StatusOr<std::string> name = ResourceName(entry.value());
  if (!name.ok()) return name.status();
  Resource resource;
  resource.name = *std::move(name);
  resource.version = std::string(version);
  resource.type_url = std::string(type.url);
  resource.bytes = std::make_shared<const std::string>(std::move(*entry.mutable_value()));
  return resource;
}

absl::Status CheckWrapper(const Wrapper& wrapper) {
  if (wrapper.resource_name().has_dynamic_parameter_constraints()) {
    return absl::InvalidArgumentError(
        "resource_name.dynamic_parameter_constraints: not implemented by proxenos");
  }
  if (wrapper.aliases_size() > kMaxAliases) {
    return absl::InvalidArgumentError(absl::StrCat(
        "aliases: ", wrapper.aliases_size(), " items, at most ", kMaxAliases, " are accepted"));
  }
  if (wrapper.has_ttl() && TtlOf(wrapper) <= 0) {
    return absl::InvalidArgumentError("ttl: must be positive");
  }
  return CheckLength(NameOf(wrapper));
}

}  // namespace

absl::Status NotAMessage() {
  return absl::InvalidArgumentError("the bytes are not a valid message");
}

absl::StatusOr<std::string> ResourceName(absl::string_view bytes) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  constexpr uint32_t kNameTag =
      WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  std::string name;
  while (true) {
    const uint32_t tag = input.ReadTag();
    // Proto: the last occurrence of a singular field is the one that counts.
    const bool read = tag == 0          ? input.ConsumedEntireMessage()
                      : tag == kNameTag ? WireFormatLite::ReadString(&input, &name)
                                        : WireFormatLite::SkipField(&input, tag);
    if (!read) return NotAMessage();
    if (tag == 0) break;
  }
  if (name.empty()) return absl::InvalidArgumentError("name: must not be empty");
  const absl::Status length = CheckLength(name);
  if (!length.ok()) return length;
  if (!WireFormatLite::VerifyUtf8String(name.data(), static_cast<int>(name.size()),
                                        WireFormatLite::PARSE, nullptr)) {
    return absl::InvalidArgumentError("name: is not UTF-8");
  }
  return name;
}

absl::StatusOr<ResourceEntry> UnpackResource(Wrapper wrapper, const ResourceType& type,
                                             absl::string_view version) {
  const absl::Status checked = CheckWrapper(wrapper);
  if (!checked.ok()) return checked;
  const std::string& name = NameOf(wrapper);
  ResourceEntry entry;
  entry.ttl = wrapper.has_ttl() ? TtlOf(wrapper) : 0;
  if (wrapper.has_resource()) {
    absl::StatusOr<Resource> resource =
        UnpackPlain(std::move(*wrapper.mutable_resource()), type, version);
    if (!resource.ok()) return resource.status();
    entry.resource = *std::move(resource);
    if (type.namespaces && !name.empty()) entry.resource.name = name;
    if (!name.empty() && name != entry.resource.name &&
        NormalName(name) != NormalName(entry.resource.name)) {
      return absl::InvalidArgumentError(absl::StrCat("the wrapper's name ", name.substr(0, 200),
                                                     " is not the resource's, ",
                                                     entry.resource.name));
    }
  } else {
    if (name.empty()) return absl::InvalidArgumentError("has neither a name nor a resource");
    entry.resource.name = name;
    entry.resource.version = std::string(version);
    entry.resource.type_url = std::string(type.url);
  }
  entry.resource.aliases.assign(wrapper.aliases().begin(), wrapper.aliases().end());
  if (!wrapper.version().empty()) entry.resource.version = wrapper.version();
  return entry;
}

absl::StatusOr<ResourceEntry> UnpackResource(google::protobuf::Any entry, const ResourceType& type,
                                             absl::string_view version) {
  if (entry.type_url() == kWrapperType) {
    Wrapper wrapper;
    if (!wrapper.ParseFromString(entry.value())) {
      return absl::InvalidArgumentError("the Resource wrapper is not a valid message");
    }
    return UnpackResource(std::move(wrapper), type, version);
  }
  absl::StatusOr<Resource> resource = UnpackPlain(std::move(entry), type, version);
  if (!resource.ok()) return resource.status();
  return ResourceEntry{*std::move(resource)};
}

absl::Status CheckWantedName(absl::string_view name) {
  if (name == kAllNames) {
    return absl::InvalidArgumentError("a resource cannot be called *, which stands for all");
  }
  const absl::Status length = CheckLength(name);
  if (!length.ok() || !IsXdstpName(name)) return length;
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  if (!parsed.ok()) return parsed.status();
  if (parsed->glob()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": is a collection, where one resource is expected"));
  }
  return absl::OkStatus();
}

}  // namespace proxenos::xds
