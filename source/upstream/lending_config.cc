// One message.
#include "source/upstream/lending_config.h"

#include "proxenos/upstream/lending/v3/lending.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

constexpr base::Nanos kUsualWait = 10 * base::kMillisecond;
constexpr base::Nanos kLongestWait = base::kSecond;

}  // namespace

std::shared_ptr<const LoanDesk> CompileLending(const google::protobuf::Any& any,
                                               config::Errors& errors, const config::Path& path) {
  ::proxenos::upstream::lending::v3::ConnectionLending proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return nullptr;
  base::Nanos wait = kUsualWait;
  if (proto.has_max_wait()) {
    wait = CompileDuration(proto.max_wait(), errors, path.Field("max_wait"));
    if (wait <= 0 || wait > kLongestWait) {
      errors.Add(path.Field("max_wait"), "expected more than 0 and at most 1 s");
      return nullptr;
    }
  }
  return std::make_shared<const LoanDesk>(wait);
}

}  // namespace proxenos::upstream
