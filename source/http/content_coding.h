// What filters that change the bytes of a body on their way ask and say of its head: content
// codings, no-transform, Vary (RFC 9110, sections 8.4, 12.5.5; RFC 9111, section 5.2.2.6).
#pragma once

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"
#include "source/http/message.h"

namespace proxenos::http {

// The length of a body that is changed on its way is not known before its end.
void ForgetLength(Framing& framing, HeaderMap& headers);

// Whether an element of the fields of that name, lists between commas, is `lower_case`.
bool HasElement(const HeaderMap& headers, HeaderId id, absl::string_view lower_case);

// Whether Cache-Control has no-transform.
bool ForbidsTransform(const HeaderMap& headers);

// Adds `name` to Vary, unless that has it, or "*". `lower_case_name` is the same.
void AddVary(absl::string_view lower_case_name, absl::string_view name, HeaderMap& headers);

// The coding applied last, which is undone first; empty when there is none.
absl::string_view OutermostCoding(const HeaderMap& headers);
// Takes that away from Content-Encoding.
void RemoveOutermostCoding(HeaderMap& headers);

}  // namespace proxenos::http
