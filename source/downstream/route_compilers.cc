// What matches are compiled by, and what words direct responses.
#include "source/downstream/route_compilers.h"

#include "source/access_log/body_format_config.h"
#include "source/filter/route_tree_config.h"

namespace proxenos::downstream {

route::UpperCompilers RouteCompilers() {
  route::UpperCompilers compilers = filter::RouteCompilers();
  compilers.replies = access_log::CompileReplyFormat;
  return compilers;
}

}  // namespace proxenos::downstream
