// A filter that overrides nothing lets everything pass.
#include "source/filter/http_filter.h"

namespace proxenos::filter {

Verdict HttpFilter::OnRequestHeaders(http::RequestHead&, bool) { return Verdict::kContinue; }
Verdict HttpFilter::OnRequestBody(buffer::Buffer&, bool) { return Verdict::kContinue; }
Verdict HttpFilter::OnRequestTrailers(http::HeaderMap&) { return Verdict::kContinue; }
Verdict HttpFilter::OnResponseHeaders(http::ResponseHead&, bool) { return Verdict::kContinue; }
Verdict HttpFilter::OnResponseBody(buffer::Buffer&, bool) { return Verdict::kContinue; }
Verdict HttpFilter::OnResponseTrailers(http::HeaderMap&) { return Verdict::kContinue; }

std::unique_ptr<WorkerPart> FilterFactory::MakeWorkerPart(stats::Registry&,
                                                          const std::string&) const {
  return nullptr;
}
void FilterFactory::OpenLogs(access_log::LogWriter*, config::Errors&) {}

}  // namespace proxenos::filter
