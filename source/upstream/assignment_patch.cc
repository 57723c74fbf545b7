// Comparing two ClusterLoadAssignments field by field, as bytes. See assignment_patch.h.
#include "source/upstream/assignment_patch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"

namespace proxenos::upstream {
namespace {

using google::protobuf::internal::WireFormatLite;

// ClusterLoadAssignment.endpoints.
constexpr uint32_t kLocality =
    WireFormatLite::MakeTag(2, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
// LocalityLbEndpoints.lb_endpoints.
constexpr uint32_t kEndpoint =
    WireFormatLite::MakeTag(2, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// LocalityLbEndpoints.load_balancer_endpoints, which come in the place of the others.
constexpr uint32_t kEndpointList =
    WireFormatLite::MakeTag(7, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// The fields of a message, in their order.
class Fields {
 public:
  struct Field {
    uint32_t tag;
    uint32_t begin;    // Of the field with its tag, from the message's begin.
    uint32_t content;  // Behind the length of one that has a length.
    uint32_t end;
  };

  explicit Fields(absl::string_view message) : message_(message) {}

  // False where the bytes are no message.
  bool Read() {
    google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(message_.data()),
                                                 static_cast<int>(message_.size()));
    while (true) {
      Field field;
      field.begin = static_cast<uint32_t>(input.CurrentPosition());
      field.tag = input.ReadTag();
      if (field.tag == 0) return input.ConsumedEntireMessage();
      uint32_t length = 0;
      const bool has_length =
          WireFormatLite::GetTagWireType(field.tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (has_length && !input.ReadVarint32(&length)) return false;
      field.content = static_cast<uint32_t>(input.CurrentPosition());
      const bool skipped = has_length ? input.Skip(static_cast<int>(length))
                                      : WireFormatLite::SkipField(&input, field.tag);
      if (!skipped) return false;
      field.end = static_cast<uint32_t>(input.CurrentPosition());
      fields_.push_back(field);
    }
  }

  const std::vector<Field>& all() const { return fields_; }
  absl::string_view Whole(const Field& field) const {
    return message_.substr(field.begin, field.end - field.begin);
  }
  absl::string_view Content(const Field& field) const {
    return message_.substr(field.content, field.end - field.content);
  }

  // Takes those of `tag` out; what is left are the others.
  std::vector<Field> Take(uint32_t tag) {
    std::vector<Field> taken;
    taken.reserve(fields_.size());
    const auto mine = [tag](const Field& field) { return field.tag == tag; };
    std::copy_if(fields_.begin(), fields_.end(), std::back_inserter(taken), mine);
    fields_.erase(std::remove_if(fields_.begin(), fields_.end(), mine), fields_.end());
    return taken;
  }

 private:
  absl::string_view message_;
  std::vector<Field> fields_;
};

bool SameFields(const Fields& a, const Fields& b) {
  return std::equal(
      a.all().begin(), a.all().end(), b.all().begin(), b.all().end(),
      [&](const auto& left, const auto& right) { return a.Whole(left) == b.Whole(right); });
}

void AppendLocality(absl::string_view content, std::string& to) {
  google::protobuf::io::StringOutputStream stream(&to);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.WriteTag(kLocality);
  out.WriteVarint32(static_cast<uint32_t>(content.size()));
  out.WriteRaw(content.data(), static_cast<int>(content.size()));
}

// One locality; false where they differ in more than endpoints.
bool CompareLocalities(absl::string_view before, absl::string_view now,
                       AssignmentDifference& difference) {
  Fields old_fields(before);
  Fields new_fields(now);
  if (!old_fields.Read() || !new_fields.Read()) return false;
  const std::vector<Fields::Field> old_ones = old_fields.Take(kEndpoint);
  const std::vector<Fields::Field> new_ones = new_fields.Take(kEndpoint);
  if (!SameFields(old_fields, new_fields)) return false;
  for (const Fields::Field& field : new_fields.all()) {
    if (field.tag == kEndpointList) return false;
  }
  const auto same = [&](size_t i, size_t k) {
    return old_fields.Whole(old_ones[i]) == new_fields.Whole(new_ones[k]);
  };
  const size_t both = std::min(old_ones.size(), new_ones.size());
  AssignmentDifference::Kept kept;
  kept.before = static_cast<uint32_t>(old_ones.size());
  while (kept.first < both && same(kept.first, kept.first)) ++kept.first;
  while (kept.last < both - kept.first &&
         same(old_ones.size() - 1 - kept.last, new_ones.size() - 1 - kept.last)) {
    ++kept.last;
  }
  std::string content;
  for (const Fields::Field& field : new_fields.all()) {
    absl::StrAppend(&content, new_fields.Whole(field));
  }
  for (size_t i = kept.first; i < new_ones.size() - kept.last; ++i) {
    absl::StrAppend(&content, new_fields.Whole(new_ones[i]));
  }
  AppendLocality(content, difference.bytes);
  difference.localities.push_back(kept);
  return true;
}

void Append(const std::vector<Endpoint>& from, size_t first, size_t last,
            std::vector<Endpoint>& to) {
  to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(first),
            from.begin() + static_cast<ptrdiff_t>(last));
}

}  // namespace

std::optional<AssignmentDifference> FindDifference(absl::string_view before,
                                                   absl::string_view now) {
  Fields old_fields(before);
  Fields new_fields(now);
  if (!old_fields.Read() || !new_fields.Read()) return std::nullopt;
  if (old_fields.all().size() != new_fields.all().size()) return std::nullopt;
  AssignmentDifference difference;
  for (size_t i = 0; i < new_fields.all().size(); ++i) {
    const Fields::Field& was = old_fields.all()[i];
    const Fields::Field& is = new_fields.all()[i];
    if (is.tag == kLocality && was.tag == kLocality) {
      if (!CompareLocalities(old_fields.Content(was), new_fields.Content(is), difference)) {
        return std::nullopt;
      }
    } else if (old_fields.Whole(was) == new_fields.Whole(is)) {
      absl::StrAppend(&difference.bytes, new_fields.Whole(is));
    } else {
      return std::nullopt;
    }
  }
  if (difference.bytes.size() > now.size() / 2) return std::nullopt;
  return difference;
}

std::shared_ptr<const Assignment> Patch(const Assignment& before,
                                        const AssignmentDifference& difference,
                                        const Assignment& changed) {
  const size_t count = difference.localities.size();
  if (before.localities.size() != count || changed.localities.size() != count) return nullptr;
  Assignment whole;
  whole.overprovisioning_percent = changed.overprovisioning_percent;
  whole.drop_overload = changed.drop_overload;
  whole.stale_after = changed.stale_after;
  whole.weighted_health = changed.weighted_health;
  whole.localities.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const AssignmentDifference::Kept& kept = difference.localities[i];
    const std::vector<Endpoint>& old_ones = before.localities[i].endpoints;
    const std::vector<Endpoint>& new_ones = changed.localities[i].endpoints;
    if (old_ones.size() != kept.before) return nullptr;
    LocalityEndpoints& locality = whole.localities[i];
    locality.locality = changed.localities[i].locality;
    locality.weight = changed.localities[i].weight;
    locality.priority = changed.localities[i].priority;
    locality.endpoints.reserve(kept.first + new_ones.size() + kept.last);
    Append(old_ones, 0, kept.first, locality.endpoints);
    Append(new_ones, 0, new_ones.size(), locality.endpoints);
    Append(old_ones, old_ones.size() - kept.last, old_ones.size(), locality.endpoints);
  }
  return std::make_shared<const Assignment>(std::move(whole));
}

}  // namespace proxenos::upstream
