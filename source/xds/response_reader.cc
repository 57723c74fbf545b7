// The walk over a response's top level.
#include "source/xds/response_reader.h"

#include <limits>

#include "absl/status/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "source/base/check.h"

namespace proxenos::xds {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr uint32_t kResourcesTag =
    WireFormatLite::MakeTag(2, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

}  // namespace

absl::StatusOr<ResponseReader> ResponseReader::Open(std::string message) {
  const absl::Status bad = absl::DataLossError("a response is not a valid discovery response");
  if (message.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return bad;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(message.data()),
                                               static_cast<int>(message.size()));
  ResponseReader reader;
  while (true) {
    const int begin = input.CurrentPosition();
    const uint32_t tag = input.ReadTag();
    if (tag == 0) break;
    uint32_t size = 0;
    if (tag == kResourcesTag) {
      if (!input.ReadVarint32(&size)) return bad;
      const int offset = input.CurrentPosition();
      if (size > message.size() || !input.Skip(static_cast<int>(size))) return bad;
      reader.places_.push_back({static_cast<uint32_t>(offset), size});
    } else {
      if (!WireFormatLite::SkipField(&input, tag)) return bad;
      reader.rest_.append(message, static_cast<size_t>(begin),
                          static_cast<size_t>(input.CurrentPosition() - begin));
    }
  }
  if (!input.ConsumedEntireMessage()) return bad;
  reader.bytes_ = std::move(message);
  return reader;
}

absl::string_view ResponseReader::Next() {
  DCHECK(!at_end());
  const Place& place = places_[next_++];
  return absl::string_view(bytes_).substr(place.offset, place.size);
}

}  // namespace proxenos::xds
