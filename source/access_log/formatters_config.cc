// By type: most of them are there without being asked for.
#include "source/access_log/formatters_config.h"

#include <string>

#include "source/config/typed_config.h"

namespace proxenos::access_log {

OperatorExtensions CompileFormatters(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::TypedExtensionConfig>& protos,
    const config::Path& path, config::Errors& errors) {
  OperatorExtensions extensions;
  for (int i = 0; i < protos.size(); ++i) {
    const std::string type = config::TypedConfigType(protos[i].typed_config());
    if (type == "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery") {
      extensions.req_without_query = true;
    } else if (type != "envoy.extensions.formatter.cel.v3.Cel" &&
               type != "envoy.extensions.formatter.metadata.v3.Metadata") {
      errors.AddValue(path.Index(static_cast<size_t>(i)), type,
                      "a formatter that proxenos implements (req_without_query, cel, metadata)");
    }
  }
  return extensions;
}

}  // namespace proxenos::access_log
