// From cluster.v3.OutlierDetection to OutlierDetection.
#pragma once

#include <memory>

#include "envoy/config/cluster/v3/outlier_detection.pb.h"
#include "source/config/errors.h"
#include "source/upstream/outlier_detection.h"

namespace proxenos::upstream {

// Every error has the field's path below `path`; with errors the result is of no use.
std::shared_ptr<const OutlierDetection> CompileOutlierDetection(
    const envoy::config::cluster::v3::OutlierDetection& proto, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::upstream
