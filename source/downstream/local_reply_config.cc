// Compilation of the connection manager's rules on local replies.
#include "source/downstream/local_reply_config.h"

#include <utility>

#include "source/access_log/access_log_config.h"
#include "source/access_log/body_format_config.h"
#include "source/access_log/formatted_change_config.h"
#include "source/config/data_source.h"

namespace proxenos::downstream {
namespace {

namespace v3 = envoy::extensions::filters::network::http_connection_manager::v3;

std::optional<ReplyMapper> CompileMapper(const v3::ResponseMapper& proto, const config::Path& path,
                                         config::Errors& errors) {
  const size_t before = errors.count();
  std::optional<access_log::LogFilter> filter =
      access_log::CompileLogFilter(proto.filter(), path.Field("filter"), errors);
  if (!filter) return std::nullopt;
  ReplyMapper mapper{*std::move(filter), 0, {}, {}, {}};
  mapper.status = static_cast<uint16_t>(proto.status_code().value());
  if (proto.has_body()) {
    mapper.body = config::ReadDataSource(proto.body(), path.Field("body"), errors);
  }
  mapper.changes = access_log::CompileFormattedChanges(proto.headers_to_add(),
                                                       path.Field("headers_to_add"), errors);
  if (proto.has_body_format_override()) {
    mapper.format = access_log::CompileBodyFormat(proto.body_format_override(),
                                                  path.Field("body_format_override"), errors);
  }
  if (errors.count() != before) return std::nullopt;
  return mapper;
}

}  // namespace

std::shared_ptr<const LocalReplies> CompileLocalReplies(const v3::LocalReplyConfig& proto,
                                                        const config::Path& path,
                                                        config::Errors& errors) {
  LocalReplies rules;
  for (int i = 0; i < proto.mappers_size(); ++i) {
    auto mapper = CompileMapper(proto.mappers(i),
                                path.Field("mappers").Index(static_cast<size_t>(i)), errors);
    if (mapper) rules.mappers.push_back(*std::move(mapper));
  }
  if (proto.has_body_format()) {
    rules.format =
        access_log::CompileBodyFormat(proto.body_format(), path.Field("body_format"), errors);
  }
  return std::make_shared<const LocalReplies>(std::move(rules));
}

}  // namespace proxenos::downstream
