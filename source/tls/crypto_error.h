// BoringSSL's error queue of the calling thread, as text.
#pragma once

#include <string>

namespace proxenos::tls {

// The reason of the newest error, "unknown" when there is none; the queue is empty afterwards.
std::string TakeCryptoReason();
// All errors in the form that Envoy's access logs show ("TLS_error:|code:library:function:reason
// :TLS_error_end"), `detail` after the last; empty when there are none. The queue is empty
// afterwards.
std::string TakeCryptoErrors(const std::string& detail);

}  // namespace proxenos::tls
