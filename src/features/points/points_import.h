// What points takes over from old bots.
//
// Of the old bot's three figures `points` is the truth: where they do not agree (points <> total_earned -
// total_spent), the difference is booked as earned or spent, and the booking's reason says so. A balance
// below 0 does not exist here: it becomes 0. Minutes that the old bot has paid for are not paid again; those
// that it still owed for are paid when the viewer watches next, as it would have done.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::points {

bot::Reckoned reckon_points(const bot::OldRow& row);
void declare_import(bot::Declarations& declarations);

}  // namespace guildhall::features::points
