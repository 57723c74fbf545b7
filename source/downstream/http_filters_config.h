// Compiles HttpConnectionManager.http_filters, and the filters of it that come by discovery later.
#pragma once

#include <memory>

#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/downstream/http_config.h"
#include "source/filter/discovered_filter.h"
#include "source/filter/filter_config.h"

namespace proxenos::downstream {

using HttpFilterProtos = google::protobuf::RepeatedPtrField<
    envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter>;

// What filters are made of and with.
struct FilterTools {
  filter::FilterKinds kinds;
  access_log::LogWriter* log_writer = nullptr;  // Null: validate only, no file is opened.
};

// Fills `filters` and `discovered`.
void CompileHttpFilters(const HttpFilterProtos& protos, const FilterTools& tools,
                        HttpConfig& config, const config::Path& path, config::Errors& errors);

// What discovery sent for a place of a chain; null when it may not stand there, or is wrong.
std::shared_ptr<const filter::FilterFactory> CompileDiscoveredFilter(
    const envoy::config::core::v3::TypedExtensionConfig& proto,
    const filter::DiscoveredFilter& place, const FilterTools& tools, config::Errors& errors);

}  // namespace proxenos::downstream
