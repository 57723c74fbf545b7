// From a config source of clusters on demand to its plain form.
#pragma once

#include "envoy/config/core/v3/config_source.pb.h"
#include "source/config/errors.h"
#include "source/filter/cluster_source.h"

namespace proxenos::filter {

// An error at `path` where the source can not be asked for names one by one, beside whatever else
// it is asked for: only the delta protocol can. The timeout is the caller's.
ClusterSource CompileClusterSource(const envoy::config::core::v3::ConfigSource& source,
                                   const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filter
