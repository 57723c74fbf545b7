// The walk over a resource's top-level fields, and the wrapper that a resource may come in.
#include "source/xds/any_resource.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr char kWrapperType[] = "type.googleapis.com/envoy.service.discovery.v3.Resource";

// Longer names are nobody's; they would come back in every request.
constexpr size_t kMaxNameBytes = 4096;

absl::StatusOr<Resource> UnpackPlain(const google::protobuf::Any& entry, absl::string_view type_url,
                                     absl::string_view version) {
  if (entry.type_url() != type_url) {
    return absl::InvalidArgumentError(
        absl::StrCat("type ", entry.type_url().substr(0, 200), ": expected ", type_url));
  }
  absl::StatusOr<std::string> name = ResourceName(entry.value());
  if (!name.ok()) return name.status();
  Resource resource;
  resource.name = *std::move(name);
  resource.version = std::string(version);
  resource.type_url = std::string(type_url);
  resource.hash = XxHash64(entry.value());
  resource.bytes = std::make_shared<const std::string>(entry.value());
  return resource;
}

absl::StatusOr<Resource> UnpackWrapped(const google::protobuf::Any& entry,
                                       absl::string_view type_url, absl::string_view version) {
  envoy::service::discovery::v3::Resource wrapper;
  if (!wrapper.ParseFromString(entry.value())) {
    return absl::InvalidArgumentError("the Resource wrapper is not a valid message");
  }
  if (wrapper.has_ttl()) {
    return absl::InvalidArgumentError("ttl: not implemented by proxenos");
  }
  absl::StatusOr<Resource> resource = UnpackPlain(wrapper.resource(), type_url, version);
  if (!resource.ok()) return resource;
  if (!wrapper.name().empty() && wrapper.name() != resource->name) {
    return absl::InvalidArgumentError(absl::StrCat("the wrapper's name ",
                                                   wrapper.name().substr(0, 200),
                                                   " is not the resource's, ", resource->name));
  }
  if (!wrapper.version().empty()) resource->version = wrapper.version();
  return resource;
}

}  // namespace

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
    if (!read) return absl::InvalidArgumentError("the bytes are not a valid message");
    if (tag == 0) break;
  }
  if (name.empty()) return absl::InvalidArgumentError("name: must not be empty");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("name: ", name.size(), " bytes, at most ", kMaxNameBytes, " are accepted"));
  }
  if (!WireFormatLite::VerifyUtf8String(name.data(), static_cast<int>(name.size()),
                                        WireFormatLite::PARSE, nullptr)) {
    return absl::InvalidArgumentError("name: is not UTF-8");
  }
  return name;
}

absl::StatusOr<Resource> UnpackResource(const google::protobuf::Any& entry,
                                        absl::string_view type_url, absl::string_view version) {
  return entry.type_url() == kWrapperType ? UnpackWrapped(entry, type_url, version)
                                          : UnpackPlain(entry, type_url, version);
}

}  // namespace proxenos::xds
