// Between HTTP messages and the pages' requests and responses. Thread: main.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "source/admin/endpoint.h"
#include "source/http/message.h"

namespace proxenos::admin {

Request RequestOf(const http::RequestHead& head, std::string body);
void AddResponseHeaders(const Response& response, absl::string_view date, http::HeaderMap& headers);

}  // namespace proxenos::admin
