// What an alert says, in a server's words.
#pragma once

#include "bot/posts.h"
#include "features/alerts/alerts_store.h"

namespace guildhall::features::alerts {

/// As it is now: live, or over.
bot::PostBody alert_body(const bot::ServerContext& context, const AlertRow& alert);
/// One that says of itself that it is a test.
bot::PostBody test_body(const bot::ServerContext& context);

}  // namespace guildhall::features::alerts
