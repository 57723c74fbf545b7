// Field by field.
#include "source/filters/http/ext_proc/message.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/rpc/header_wire.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ext_proc {
namespace {

using filter::Direction;
using filter::HeaderChange;
using rpc::WireReader;
using rpc::WireWriter;
using How = HeaderChange::How;

// Field numbers of envoy.service.ext_proc.v3.
enum RequestField : uint32_t {
  kHeads = 2,
  kBodies = 4,
  kAllTrailers = 6,
  kMetadataContext = 8,
  kObservabilityMode = 10,
  kProtocolConfig = 11,
};
enum ResponseField : uint32_t {
  kRequestHead = 1,
  kResponseTrailers = 6,
  kImmediate = 7,
  kDynamicMetadata = 8,
  kModeOverride = 9,
  kOverrideMessageTimeout = 10,
  kStreamedImmediate = 11,
};
enum CommonField : uint32_t {
  kStatus = 1,
  kHeaderMutation = 2,
  kBodyMutation = 3,
  kClearRouteCache = 5,
};
enum MutationField : uint32_t { kSet = 1, kRemove = 2 };
enum BodyMutationField : uint32_t { kBody = 1, kClear = 2, kStreamed = 3 };
enum ImmediateField : uint32_t {
  kImmediateStatus = 1,
  kImmediateHeaders = 2,
  kImmediateBody = 3,
  kGrpcStatus = 4,
  kDetails = 5,
};

// The field of a oneof that has one for each direction, the request's first.
uint32_t FieldOf(uint32_t first, Direction direction) {
  return first + static_cast<uint32_t>(direction);
}

class HeaderWriter {
 public:
  HeaderWriter(WireWriter& map, const Settings& settings) : map_(map), settings_(settings) {}

  void Write(absl::string_view name, absl::string_view value) {
    if (value.empty() && !name.empty() && name[0] == ':') return;
    if (settings_.disallowed_headers.Matches(name)) return;
    if (!settings_.allowed_headers.empty() && !settings_.allowed_headers.Matches(name)) return;
    map_.Message(1, [name, value](WireWriter& header) {
      header.Text(1, name);
      header.Text(3, value);  // Bytes: a value need not be UTF-8.
    });
  }
  void WriteAll(const http::HeaderMap& headers) {
    for (const http::Header& field : headers) Write(field.name(), field.value());
  }

 private:
  WireWriter& map_;
  const Settings& settings_;
};

// What every question says.
void WriteRest(WireWriter& message, const Asker& asker, Direction direction) {
  if (asker.settings.observes) message.Flag(kObservabilityMode, true);
  if (asker.attributes != nullptr) {
    WriteAttributes(*asker.attributes, asker.stream, direction, message);
  }
  if (asker.forwarded->empty()) return;
  message.Message(kMetadataContext, [&asker](WireWriter& metadata) {
    for (const std::string& space : *asker.forwarded) {
      const json::Object* values = asker.stream.info.metadata.Find(space);
      if (values == nullptr) continue;
      metadata.Message(1, [&space, values](WireWriter& entry) {
        entry.Text(1, space);
        entry.Struct(2, *values);
      });
    }
  });
}

bool ReadOption(absl::string_view message, HeaderChange* change) {
  static constexpr How kHows[] = {How::kSet, How::kAddIfAbsent, How::kSet, How::kOverwritePresent};
  rpc::HeaderOption option;
  if (!rpc::ReadHeaderOption(message, &option) || option.action >= 4) return false;
  // The first action is the default too, and where nothing is said a value replaces.
  const How how = option.append.value_or(false) ? How::kAdd : kHows[option.action];
  *change = {how, std::move(option.name), std::move(option.value)};
  return true;
}

bool ReadMutation(absl::string_view message, HeaderMutation* mutation) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == kSet) {
      if (!ReadOption(reader.bytes(), &mutation->changes.emplace_back())) return false;
    } else if (reader.field() == kRemove) {
      mutation->removals.push_back(absl::AsciiStrToLower(reader.bytes()));
    }
  }
  return reader.ok();
}

bool ReadPiece(absl::string_view message, Answer* answer) {
  Answer::Piece& piece = answer->piece.emplace();
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == 1) piece.bytes = std::string(reader.bytes());
    if (reader.field() == 2) piece.end = reader.number() != 0;
  }
  return reader.ok();
}

bool ReadBodyMutation(absl::string_view message, Answer* answer) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == kBody) answer->body = std::string(reader.bytes());
    if (reader.field() == kClear && reader.number() != 0) answer->body = std::string();
    if (reader.field() == kStreamed && !ReadPiece(reader.bytes(), answer)) return false;
  }
  return reader.ok();
}

bool ReadCommon(absl::string_view message, Answer* answer) {
  WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    switch (reader.field()) {
      case kStatus:
        answer->replaces = reader.number() == 1;
        break;
      case kHeaderMutation:
        good = ReadMutation(reader.bytes(), &answer->headers);
        break;
      case kBodyMutation:
        good = ReadBodyMutation(reader.bytes(), answer);
        break;
      case kClearRouteCache:
        answer->clear_route_cache = reader.number() != 0;
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return reader.ok();
}

// HeadersResponse, BodyResponse, TrailersResponse.
bool ReadPart(uint32_t field, absl::string_view message, Answer* answer) {
  answer->named = true;
  answer->part = static_cast<Part>((field - 1) / 2);
  answer->direction = field % 2 == 1 ? Direction::kRequest : Direction::kResponse;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() != 1) continue;
    const bool good = answer->part == Part::kTrailers
                          ? ReadMutation(reader.bytes(), &answer->headers)
                          : ReadCommon(reader.bytes(), answer);
    if (!good) return false;
  }
  return reader.ok();
}

bool ReadImmediate(absl::string_view message, Answer* answer) {
  Answer::Immediate& immediate = answer->immediate.emplace();
  WireReader reader(message);
  while (reader.Next()) {
    WireReader inner(reader.bytes());
    switch (reader.field()) {
      case kImmediateStatus:
        while (inner.Next()) {
          if (inner.field() != 1) continue;
          if (inner.number() < 200 || inner.number() > 599) return false;
          immediate.status = static_cast<uint16_t>(inner.number());
        }
        break;
      case kImmediateHeaders:
        if (!ReadMutation(reader.bytes(), &immediate.headers)) return false;
        break;
      case kImmediateBody:
        immediate.body = std::string(reader.bytes());
        break;
      case kGrpcStatus:
        immediate.grpc_status = 0;
        while (inner.Next()) {
          if (inner.field() == 1) immediate.grpc_status = static_cast<uint32_t>(inner.number());
        }
        break;
      case kDetails:
        immediate.details = std::string(reader.bytes());
        break;
      default:
        break;
    }
  }
  return reader.ok();
}

// google.protobuf.Duration, of at most an hour, as the API has it.
bool ReadTimeout(absl::string_view message, Answer* answer) {
  base::Nanos& timeout = answer->timeout.emplace(0);
  WireReader reader(message);
  while (reader.Next()) {
    const uint64_t value = reader.number();
    if (value >= (reader.field() == 1 ? 3601u : 1'000'000'000u)) return false;
    timeout += static_cast<base::Nanos>(value) * (reader.field() == 1 ? base::kSecond : 1);
  }
  return reader.ok();
}

// False: a mode that is not implemented.
bool ReadMode(absl::string_view message, Answer* answer) {
  Mode& mode = answer->mode.emplace();
  WireReader reader(message);
  while (reader.Next()) {
    const uint64_t value = reader.number();
    const size_t way = (reader.field() + 1) % 2;  // Odd fields are the request's.
    if (reader.field() <= 2) {
      mode.head[way] = value != 2;
    } else if (reader.field() <= 4) {
      if (value > 3) return false;
      mode.body[way] = static_cast<Mode::Body>(value);
    } else if (reader.field() <= 6) {
      mode.trailers[way] = value == 1;
    }
  }
  return reader.ok();
}

bool Read(absl::string_view message, Answer* answer) {
  WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    const uint32_t field = reader.field();
    if (field >= kRequestHead && field <= kResponseTrailers) {
      good = ReadPart(field, reader.bytes(), answer);
    } else if (field == kImmediate) {
      good = ReadImmediate(reader.bytes(), answer);
    } else if (field == kModeOverride) {
      good = ReadMode(reader.bytes(), answer);
    } else if (field == kDynamicMetadata) {
      std::optional<json::Object> metadata = rpc::ReadStruct(reader.bytes());
      good = metadata.has_value();
      if (good) answer->metadata = *std::move(metadata);
    } else if (field == kOverrideMessageTimeout) {
      good = ReadTimeout(reader.bytes(), answer);
    } else if (field == kStreamedImmediate) {
      good = false;
    }
    if (!good) return false;
  }
  return reader.ok();
}

}  // namespace

std::string MakeHead(const Asker& asker, Direction direction, bool end) {
  std::string message;
  WireWriter out(message);
  out.Message(FieldOf(kHeads, direction), [&asker, direction, end](WireWriter& head) {
    head.Message(1, [&asker, direction](WireWriter& map) {
      HeaderWriter headers(map, asker.settings);
      const filter::StreamContext& stream = asker.stream;
      if (direction == Direction::kRequest) {
        headers.Write(":method", stream.request.method_text);
        headers.Write(":scheme", stream.request.scheme);
        headers.Write(":authority", stream.request.authority);
        headers.Write(":path", stream.request.path);
        headers.WriteAll(stream.request.headers);
      } else {
        headers.Write(":status", absl::StrCat(stream.response.status));
        headers.WriteAll(stream.response.headers);
      }
    });
    head.Flag(3, end);
  });
  WriteRest(out, asker, direction);
  return message;
}

std::string MakeBody(const Asker& asker, Direction direction, const buffer::Buffer& body,
                     bool end) {
  std::string message;
  WireWriter out(message);
  out.Message(FieldOf(kBodies, direction), [&body, end](WireWriter& part) {
    part.Text(1, body.ToString());
    part.Flag(2, end);
  });
  WriteRest(out, asker, direction);
  return message;
}

std::string MakeTrailers(const Asker& asker, Direction direction, const http::HeaderMap& trailers) {
  std::string message;
  WireWriter out(message);
  out.Message(FieldOf(kAllTrailers, direction), [&trailers, &asker](WireWriter& part) {
    part.Message(1, [&trailers, &asker](WireWriter& map) {
      HeaderWriter(map, asker.settings).WriteAll(trailers);
    });
  });
  WriteRest(out, asker, direction);
  return message;
}

std::string MakeProtocolConfig(const Mode& mode, bool sends_body_early) {
  if (mode.body[0] == Mode::Body::kNone && mode.body[1] == Mode::Body::kNone) return std::string();
  std::string message;
  WireWriter(message).Message(kProtocolConfig, [&mode, sends_body_early](WireWriter& config) {
    config.Number(1, static_cast<uint64_t>(mode.body[0]));
    config.Number(2, static_cast<uint64_t>(mode.body[1]));
    if (sends_body_early) config.Flag(3, true);
  });
  return message;
}

std::optional<Answer> ReadAnswer(absl::string_view message) {
  Answer answer;
  if (!Read(message, &answer)) return std::nullopt;
  return answer;
}

}  // namespace proxenos::filters::ext_proc
