// The Date of now.
#include "source/downstream/date.h"

namespace proxenos::downstream {

void DateCache::Make(int64_t second) {
  http::FormatDate(second, text_);
  second_ = second;
}

}  // namespace proxenos::downstream
