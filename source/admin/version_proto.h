// The server's views of a version and of a refusal, into the fields that every kind of entry of a
// dump has.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "source/admin/admin_source.h"
#include "source/base/clock.h"

namespace proxenos::admin {

inline void TimeToProto(base::WallTime time, google::protobuf::Timestamp& proto) {
  proto.set_seconds(time / 1'000'000);
  proto.set_nanos(static_cast<int32_t>(time % 1'000'000 * 1000));
}

inline void BytesToProto(const VersionView& version, absl::string_view type_url,
                         google::protobuf::Any& any) {
  any.set_type_url(std::string(type_url));
  any.set_value(std::string(version.bytes));
}

// `any` is the field of `entry` that the resource itself goes into.
template <class Entry>
void VersionToProto(const VersionView& version, absl::string_view type_url, Entry& entry,
                    google::protobuf::Any& any) {
  entry.set_version_info(std::string(version.version));
  BytesToProto(version, type_url, any);
  TimeToProto(version.last_updated, *entry.mutable_last_updated());
}

template <class Entry>
void RefusalToProto(const RefusalView& refusal, absl::string_view type_url, Entry& entry) {
  envoy::admin::v3::UpdateFailureState& error = *entry.mutable_error_state();
  BytesToProto(refusal.resource, type_url, *error.mutable_failed_configuration());
  error.set_version_info(std::string(refusal.resource.version));
  error.set_details(std::string(refusal.reason));
  TimeToProto(refusal.resource.last_updated, *error.mutable_last_update_attempt());
  entry.set_client_status(envoy::admin::v3::NACKED);
}

}  // namespace proxenos::admin
