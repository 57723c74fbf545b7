// headers_to_add and headers_to_remove to HeaderMutations.
#pragma once

#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/route/compilation_config.h"
#include "source/route/header_mutations.h"

namespace proxenos::route {

using HeaderValueOptions =
    google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>;
using HeaderNames = google::protobuf::RepeatedPtrField<std::string>;

// One of each. What they may not name is an error.
HeaderAddition CompileAddition(const envoy::config::core::v3::HeaderValueOption& option,
                               Compilation& compilation, const config::Path& path);
HeaderRemoval CompileRemoval(const std::string& name, config::Errors& errors,
                             const config::Path& path);
// Reads "%%" as "%". False: there is an operator in it.
bool ReadLiteral(const std::string& text, std::string* literal);

// `direction` is "request" or "response"; it leads the names of the two fields in errors.
HeaderMutations CompileHeaderMutations(const HeaderValueOptions& additions,
                                       const HeaderNames& removals, const std::string& direction,
                                       Compilation& compilation, const config::Path& path);

// Both directions of any message that has the four fields, as every level of a route table does.
template <typename Config, typename Compiled>
void CompileBothMutations(const Config& config, Compilation& compilation, const config::Path& path,
                          Compiled* compiled) {
  compiled->request_headers =
      CompileHeaderMutations(config.request_headers_to_add(), config.request_headers_to_remove(),
                             "request", compilation, path);
  compiled->response_headers =
      CompileHeaderMutations(config.response_headers_to_add(), config.response_headers_to_remove(),
                             "response", compilation, path);
}

}  // namespace proxenos::route
