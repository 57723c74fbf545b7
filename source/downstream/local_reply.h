// LocalReplies: how the proxy words its own answers (HttpConnectionManager.local_reply_config): the
// router's, the filters' and those to what is no request, but not what comes from an origin, a
// cache or a script.
//
// Invariant: immutable, shared by all workers. Nothing here runs for a request that an origin
// answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/access_log/body_format.h"
#include "source/access_log/formatted_change.h"
#include "source/access_log/log_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::downstream {

// ResponseMapper
struct ReplyMapper {
  access_log::LogFilter filter;
  uint16_t status = 0;  // 0: as it is.
  std::optional<std::string> body;
  access_log::FormattedChanges changes;
  std::optional<access_log::BodyFormat> format;  // Takes the place of LocalReplies::format.
};

// LocalReplyConfig
struct LocalReplies {
  std::vector<ReplyMapper> mappers;              // The first that takes a reply is the only one.
  std::optional<access_log::BodyFormat> format;  // None: the text as it is, text/plain.
};

// What a local reply says, as it was asked for: for a gRPC call too, whose head says it otherwise.
struct LocalReply {
  uint16_t status = 0;
  std::string body;
  absl::string_view content_type = "text/plain";  // Static or of the configuration.
};

// Words `reply` anew, in Envoy's order: the first mapper whose filter takes it changes text, fields
// of `stream.response` and status; then the format makes the body. Operators see the status that
// the reply had before its mapper.
void Reword(const LocalReplies& rules, filter::StreamContext& stream, LocalReply& reply);

// The same for the reply that `stream.response` and `body` are, which nobody has seen yet: both
// come out as they are to be sent.
void RewordPlain(const LocalReplies& rules, filter::StreamContext& stream, buffer::Buffer& body);
// And for one to a gRPC call, a head alone, which was made of `asked`.
void RewordGrpc(const LocalReplies& rules, filter::StreamContext& stream, const LocalReply& asked);
// Whatever routes and mappers say of its content: to its client a reply to a gRPC call is gRPC.
void KeepGrpcType(http::HeaderMap& headers);

}  // namespace proxenos::downstream
