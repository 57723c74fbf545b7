// How a peer wrote the names of a section's fields: kept before the section is read, which turns
// them into lower case in place.
#pragma once

#include "source/buffer/arena.h"
#include "source/http/name_spellings.h"
#include "source/http1/field_section.h"

namespace proxenos::http1 {

// Keeps the names of the lines before `end` that are complete and not read yet: those that
// ReadFields takes when it is called next. Judges nothing, and looks at no more of them than there
// may be in the section.
void KeepSpellings(FieldSection& section, const char* end, uint32_t max_fields,
                   const http::NameSpellings& spellings, buffer::Arena& arena);

}  // namespace proxenos::http1
