// Mappers and formats, and the head that follows from them.
#include "source/downstream/local_reply.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/rpc/status.h"

namespace proxenos::downstream {
namespace {

using http::HeaderId;

// Of this kind there is one at most: another is joined to it, as Envoy does.
bool IsSingular(absl::string_view name) { return name == "content-type" || name == "location"; }

void ApplyChanges(const access_log::FormattedChanges& changes, filter::StreamContext& stream) {
  http::HeaderMap& headers = stream.response.headers;
  for (const access_log::FormattedChange& each : changes) {
    if (each.change.how == filter::HeaderChange::How::kAdd && IsSingular(each.change.name) &&
        headers.Find(absl::string_view(each.change.name)) != nullptr) {
      access_log::FormattedChange joined = each;
      joined.change.how = filter::HeaderChange::How::kJoinToPresent;
      access_log::Apply({std::move(joined)}, stream, headers);
    } else {
      access_log::Apply({each}, stream, headers);
    }
  }
}

// Durations are those until now while one lives: the stream is not over.
class DurationSoFar {
 public:
  explicit DurationSoFar(filter::StreamContext& stream)
      : info_(stream.info),
        complete_(std::exchange(stream.info.complete, stream.environment.loop.now())) {}
  DurationSoFar(const DurationSoFar&) = delete;
  DurationSoFar& operator=(const DurationSoFar&) = delete;
  ~DurationSoFar() { info_.complete = complete_; }

 private:
  filter::StreamInfo& info_;
  const base::MonoTime complete_;
};

bool HasNoContent(uint16_t status) { return status < 200 || status == 204 || status == 304; }

// A gRPC call: its head says the status, and the text in a field. What a filter has set beside them
// stays.
void TellGrpc(const LocalReply& asked, const LocalReply& said, http::ResponseHead& head) {
  if (said.status != asked.status) {
    const std::string former = absl::StrCat(static_cast<int>(rpc::StatusOfHttp(asked.status)));
    if (head.headers.Get(HeaderId::kGrpcStatus) == former) {
      rpc::SetStatus(rpc::StatusOfHttp(said.status), head.headers);
    }
  }
  if (said.body == asked.body) return;
  absl::string_view text = said.body;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);  // A JSON format ends its line.
  head.headers.Remove(HeaderId::kGrpcMessage);
  if (!text.empty()) head.headers.Add(HeaderId::kGrpcMessage, rpc::PercentEncode(text));
}

// What a filter said of the content stays where the text has stayed, or a mapper has said more.
void SetContentType(absl::string_view before, bool same_text, absl::string_view content_type,
                    http::HeaderMap& headers) {
  const absl::string_view now = headers.Get(HeaderId::kContentType);
  if (!now.empty() && (same_text || now != before)) return;
  headers.Remove(HeaderId::kContentType);
  headers.AddView(HeaderId::kContentType, http::HeaderName(HeaderId::kContentType), content_type);
}

void SetBody(LocalReply& said, http::ResponseHead& head, buffer::Buffer& body) {
  http::HeaderMap& headers = head.headers;
  body.Clear();
  head.framing = http::Framing{};
  const bool none = HasNoContent(said.status);
  if (none || said.body.empty()) headers.Remove(HeaderId::kContentType);
  if (none) return;
  headers.Add(HeaderId::kContentLength, absl::AlphaNum(said.body.size()).Piece());
  if (said.body.empty()) return;
  head.framing = http::Framing{http::Framing::kLength, said.body.size()};
  body.Append(said.body);
}

}  // namespace

void Reword(const LocalReplies& rules, filter::StreamContext& stream, LocalReply& reply) {
  stream.response.status = reply.status;
  stream.info.response_code = reply.status;
  const access_log::FormatInput mapped{
      &stream.info, &stream.request, &stream.response, nullptr, {}, stream.environment.runtime};
  const access_log::BodyFormat* format = rules.format ? &*rules.format : nullptr;
  for (const ReplyMapper& mapper : rules.mappers) {
    if (!mapper.filter.Passes(mapped)) continue;
    if (mapper.body) reply.body = *mapper.body;
    ApplyChanges(mapper.changes, stream);
    if (mapper.status != 0) {
      reply.status = stream.response.status = mapper.status;
      stream.info.response_code = mapper.status;
    }
    if (mapper.format) format = &*mapper.format;
    break;
  }
  if (format == nullptr) return;
  access_log::FormatInput input = mapped;
  input.local_reply_body = reply.body;
  reply.body = format->Make(input);
  reply.content_type = format->content_type;
}

void RewordPlain(const LocalReplies& rules, filter::StreamContext& stream, buffer::Buffer& body) {
  const DurationSoFar so_far(stream);
  http::ResponseHead& head = stream.response;
  LocalReply asked;
  asked.status = head.status;
  asked.body = body.ToString();
  LocalReply said = asked;
  head.headers.Remove(HeaderId::kContentLength);
  // What Reply has said of itself, and no filter: the format may.
  bool first = true;
  head.headers.RemoveIf([&first, &said](const http::Header& field) {
    return field.id == HeaderId::kContentType && std::exchange(first, false) &&
           field.value() == said.content_type;
  });
  const std::string before(head.headers.Get(HeaderId::kContentType));
  Reword(rules, stream, said);
  SetContentType(before, said.body == asked.body, said.content_type, head.headers);
  SetBody(said, head, body);
}

void RewordGrpc(const LocalReplies& rules, filter::StreamContext& stream, const LocalReply& asked) {
  const DurationSoFar so_far(stream);
  http::ResponseHead& head = stream.response;
  const uint16_t status = head.status;
  LocalReply said = asked;
  Reword(rules, stream, said);
  TellGrpc(asked, said, head);
  head.status = status;
}

void KeepGrpcType(http::HeaderMap& headers) {
  if (headers.Get(HeaderId::kContentType) == rpc::kContentType) return;
  headers.Remove(HeaderId::kContentType);
  headers.AddView(HeaderId::kContentType, http::HeaderName(HeaderId::kContentType),
                  rpc::kContentType);
}

}  // namespace proxenos::downstream
