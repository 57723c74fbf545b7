// Compilation of formats of bodies.
#include "source/access_log/body_format_config.h"

#include <string>
#include <utility>

#include "source/access_log/access_log_config.h"
#include "source/route/route.h"

namespace proxenos::access_log {
namespace {

class DirectResponseFormat final : public route::ReplyFormat {
 public:
  explicit DirectResponseFormat(BodyFormat format) : format_(std::move(format)) {}

  std::string Format(const route::MatchInput& input, absl::string_view body) const override {
    FormatInput known;
    known.stream = input.stream;
    known.request = &input.head;
    known.runtime = input.runtime;
    known.local_reply_body = body;
    return format_.Make(known);
  }
  absl::string_view content_type() const override { return format_.content_type; }

 private:
  const BodyFormat format_;
};

}  // namespace

std::optional<BodyFormat> CompileBodyFormat(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const config::Path& path,
    config::Errors& errors) {
  std::optional<LineFormat> format = CompileFormatString(proto, path, errors);
  if (!format) return std::nullopt;
  BodyFormat result{*std::move(format), proto.content_type()};
  if (result.content_type.empty()) {
    result.content_type = proto.has_json_format() ? "application/json" : "text/plain";
  }
  return result;
}

std::shared_ptr<const route::ReplyFormat> CompileReplyFormat(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const config::Path& path,
    config::Errors& errors) {
  std::optional<BodyFormat> format = CompileBodyFormat(proto, path, errors);
  if (!format) return nullptr;
  return std::make_shared<const DirectResponseFormat>(*std::move(format));
}

}  // namespace proxenos::access_log
