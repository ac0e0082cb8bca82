#include "features/activity/activity.h"
#include "features/alerts/alerts.h"
#include "features/features.h"
#include "features/linking/linking.h"
#include "features/points/points.h"
#include "features/roles/roles.h"
#include "features/watchtime/watchtime.h"

namespace guildhall::features {

void declare_all(bot::Declarations& declarations) {
  watchtime::declare(declarations);
  points::declare(declarations);
  roles::declare(declarations);
  activity::declare(declarations);
  alerts::declare(declarations);
  linking::declare(declarations);
}

}  // namespace guildhall::features
