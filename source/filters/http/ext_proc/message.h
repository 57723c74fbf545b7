// What goes to a processor and comes from it: envoy.service.ext_proc.v3 on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/filter/header_change.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ext_proc/attributes.h"
#include "source/filters/http/ext_proc/settings.h"
#include "source/json/value.h"

namespace proxenos::filters::ext_proc {

enum class Part : uint8_t { kHead, kBody, kTrailers };

// What all questions of a stream are made of.
struct Asker {
  const filter::StreamContext& stream;
  const Settings& settings;
  const std::vector<std::string>* forwarded;  // Namespaces.
  const AttributeList* attributes = nullptr;  // Null: they are not told now.
};

// Serialized ProcessingRequests.
std::string MakeHead(const Asker& asker, filter::Direction direction, bool end);
std::string MakeBody(const Asker& asker, filter::Direction direction, const buffer::Buffer& body,
                     bool end);
std::string MakeTrailers(const Asker& asker, filter::Direction direction,
                         const http::HeaderMap& trailers);

// The ProtocolConfiguration that goes with the first of them; empty where it would say nothing.
std::string MakeProtocolConfig(const Mode& mode, bool sends_body_early);

// HeaderMutation
struct HeaderMutation {
  std::vector<filter::HeaderChange> changes;
  std::vector<std::string> removals;
};

// ProcessingResponse
struct Answer {
  struct Immediate {
    uint16_t status = 200;
    HeaderMutation headers;
    std::string body;
    std::optional<uint32_t> grpc_status;
    std::string details;
  };

  filter::Direction direction = filter::Direction::kRequest;
  Part part = Part::kHead;
  bool named = false;  // It says what it answers.

  HeaderMutation headers;
  std::optional<std::string> body;  // In the place of what there was.
  // StreamedBodyResponse: a piece of the body as it goes on.
  struct Piece {
    std::string bytes;
    bool end = false;
  };
  std::optional<Piece> piece;
  bool replaces = false;  // CONTINUE_AND_REPLACE: the whole message, whatever it had.
  bool clear_route_cache = false;
  std::optional<Immediate> immediate;
  std::optional<Mode> mode;
  std::optional<base::Nanos> timeout;  // override_message_timeout
  json::Object metadata;               // By namespace.
};

// Nothing when the message is broken, or says what is not implemented.
std::optional<Answer> ReadAnswer(absl::string_view message);

}  // namespace proxenos::filters::ext_proc
