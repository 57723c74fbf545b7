// The ways to write names.
#include "source/http1/options_config.h"

#include "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::http1 {

using envoy::config::core::v3::Http1ProtocolOptions;
using envoy::extensions::http::header_formatters::preserve_case::v3::PreserveCaseFormatterConfig;
using http::NameStyle;

NameStyle CompileNameStyle(const Http1ProtocolOptions& proto, config::Errors& errors,
                           const config::Path& path) {
  if (!proto.has_header_key_format()) return NameStyle::kLowerCase;
  using Format = Http1ProtocolOptions::HeaderKeyFormat;
  const Format& format = proto.header_key_format();
  const config::Path at = path.Field("header_key_format");
  switch (format.header_format_case()) {
    case Format::kProperCaseWords:
      return NameStyle::kWords;
    case Format::kStatefulFormatter: {
      PreserveCaseFormatterConfig preserve;
      if (!config::UnpackTypedConfigTo(format.stateful_formatter().typed_config(), preserve,
                                       at.Field("stateful_formatter").Field("typed_config"),
                                       errors)) {
        return NameStyle::kLowerCase;
      }
      return preserve.formatter_type_on_envoy_headers() == PreserveCaseFormatterConfig::PROPER_CASE
                 ? NameStyle::kPreserveOrWords
                 : NameStyle::kPreserve;
    }
    case Format::HEADER_FORMAT_NOT_SET:
      break;
  }
  errors.Add(at, "expected one of proper_case_words, stateful_formatter");
  return NameStyle::kLowerCase;
}

}  // namespace proxenos::http1
