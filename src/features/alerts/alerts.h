// live alerts: a Discord channel is told that the stream began, and the same message later that it is over.
//
// Owners switch them on and choose the channel, the texts and up to five buttons on the dashboard, where a
// button posts a test. Texts may hold {streamer} {channel} {title} {category} {url}; what comes from the
// stream is escaped and pings nobody. A stream, which its channel and its beginning identify, is announced
// once, however often and by whomever it is told; one that begins within ten minutes of the end of the one
// before goes on with that one's message. What becomes known later, and the end, are edited in.
//
// What ended a week ago is forgotten when the next stream begins.
//
// Subscribes to StreamStatus and StreamsOver. Owns: live_alerts. The switch is `live_alert_enabled`; streams
// are followed while it is off too, so that none is announced in its middle.
#pragma once

#include "bot/feature.h"
#include "bot/outbox.h"

namespace guildhall::features::alerts {

/// A text of an alert: of what stands in braces it may hold what an alert knows.
Result<std::string> normalise_template(std::string_view text);
/// The same, and {duration}.
Result<std::string> normalise_end_text(std::string_view text);
Result<std::string> normalise_buttons(std::string_view text);

inline constexpr bot::BooleanSetting kEnabled{"live_alert_enabled", false};
inline constexpr bot::TextSetting kChannelId{"live_alert_channel_id", "", false, bot::normalise_channel_id};
inline constexpr bot::TextSetting kTitle{"live_alert_title", "", true, normalise_template};
inline constexpr bot::TextSetting kDescription{"live_alert_description", "{title}", true, normalise_template};
/// What the link to the stream is called; none: it stands there as it is.
inline constexpr bot::TextSetting kLinkText{"live_alert_link_text", "", true, normalise_template};
inline constexpr bot::TextSetting kFooter{"live_alert_footer", "", true, normalise_template};
inline constexpr bot::TextSetting kEndText{"live_alert_end_text", "", true, normalise_end_text};
/// A JSON list (bot/link_buttons.h); none: one that leads to the stream.
inline constexpr bot::TextSetting kButtons{
    .key = "live_alert_buttons", .has_default = false, .normalise = normalise_buttons, .longest = 4'000};

/// A stream that begins so soon after the end of another is the same one.
inline constexpr Duration kRestart = std::chrono::minutes(10);

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::alerts
