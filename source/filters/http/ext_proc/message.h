// What goes to a processor and comes from it: envoy.service.ext_proc.v3 on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/filter/header_change.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ext_proc/settings.h"
#include "source/json/value.h"

namespace proxenos::filters::ext_proc {

enum class Part : uint8_t { kHead, kBody, kTrailers };

// Serialized ProcessingRequests.
std::string MakeHead(const filter::StreamContext& stream, const Settings& settings,
                     filter::Direction direction, bool end);
std::string MakeBody(const filter::StreamContext& stream, const Settings& settings,
                     filter::Direction direction, const buffer::Buffer& body, bool end);
std::string MakeTrailers(const filter::StreamContext& stream, const Settings& settings,
                         filter::Direction direction, const http::HeaderMap& trailers);

// The ProtocolConfiguration that goes with the first of them; empty where it would say nothing.
std::string MakeProtocolConfig(const Mode& mode);

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
  bool replaces = false;            // CONTINUE_AND_REPLACE: the whole message, whatever it had.
  bool clear_route_cache = false;
  std::optional<Immediate> immediate;
  std::optional<Mode> mode;
  json::Object metadata;  // By namespace.
};

// Nothing when the message is broken, or says what is not implemented.
std::optional<Answer> ReadAnswer(absl::string_view message);

}  // namespace proxenos::filters::ext_proc
