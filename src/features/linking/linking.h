// linking: a member proves that an account at Kick is his; from then on what he watches and earns there is
// his here. For each server by itself.
//
// A member presses the button of the server's panel, or uses `link`; he alone is shown an address, good for
// ten minutes and for one browser, whose page (web/link_pages.h) sends him to Kick and says what came of it.
// He is told in private too, and the server's log of links has a line of every attempt. He undoes it with
// `unlink`, moderators with `link remove`; another account than before may be linked after a pause of
// `link_pause_days`.
//
// An account that is another member's stays so: whoever proves that it is his may ask for it, and the holder,
// who is told, has 72 hours to object, by one press or with `link keep`; an objection ends the matter for
// seven days. The page names nobody. Every link is a booked, reversible transfer (bot/links.h), and in the
// audit log.
//
// Owns: link_requests, link_attempts, link_moves. The switch is `linking_enabled`.
#pragma once

#include <optional>
#include <string>

#include "bot/feature.h"
#include "bot/outbox.h"

namespace guildhall::features::linking {

inline constexpr bot::BooleanSetting kEnabled{"linking_enabled", true};
/// Where the panel stands; none: nowhere.
inline constexpr bot::TextSetting kPanelChannel{"link_panel_channel_id", "", false,
                                                bot::normalise_channel_id};
inline constexpr bot::TextSetting kLogChannel{"link_log_channel_id", "", false, bot::normalise_channel_id};
/// Between undoing a link and linking another account.
inline constexpr bot::IntegerSetting kPauseDays{"link_pause_days", 7, 0, 365};

inline constexpr Duration kAddressLives = std::chrono::minutes(10);
inline constexpr Duration kObjectionTime = std::chrono::hours(72);
inline constexpr Duration kFrozen = std::chrono::days(7);
/// What is kept of who wanted which account: of an address that is over, of attempts at what is another's, of
/// moves that have ended.
inline constexpr Duration kRequestsKept = std::chrono::hours(24);
inline constexpr Duration kAttemptsKept = std::chrono::hours(24);
inline constexpr Duration kMovesKept = std::chrono::days(30);

/// The pages, by the name that their addresses are signed for (bot/page_links.h).
inline constexpr const char* kLinkPage = "link";
inline constexpr const char* kObjectionPage = "link-objection";

/// Who opened the page of a link.
struct Visit {
  DiscordUserId member;
  std::string key;           // of the address
  std::string browser_hash;  // of a secret that the browser keeps
  std::string from;          // the visitor's network address
};

/// How a link stands. What is stored of it is its name.
enum class Step {
  off,        // linking is switched off here
  gone,       // the address is of no use any more
  elsewhere,  // it belongs to another browser
  open,       // he has to prove an account
  linked,
  taken,    // the account is another member's
  held,     // he has another account linked: may it be replaced?
  paused,   // he linked another account lately
  asked,    // the account will move to him unless its holder objects
  refused,  // the holder has objected, or somebody else asks for it
};

struct Standing {
  Step step = Step::gone;
  std::string member_name = {};  // with what tells him from others of that name
  std::string account = {};      // as the platform calls what he proved
  std::string held = {};         // the account that is linked to him
  std::optional<TimePoint> until = {};
  bool keeps = false;  // what that has brought stays with him when another takes its place
};

/// A move as its holder sees it.
struct Objection {
  std::string account;
  TimePoint due;
  bool is_open = false;
};

struct MoveRow;

/// A line for the channel that is told of every attempt; what moderators must see goes to the server's log
/// where there is none.
enum class Weight { line, alarm };
store::TxTask<void> write_log(store::Tx& tx, bot::ServerContext& context, Message line,
                              Weight weight = Weight::line);

class Linking {
 public:
  /// It outlives this.
  explicit Linking(const bot::Declarations& declarations) : declarations_(declarations) {}

  /// How long the address that he was given just now is as good as another one: he asked twice, and holds the
  /// first. Longer each time, and nothing once he has gone on with it.
  store::TxTask<Duration> wait_for_next(store::Tx& tx, bot::ServerContext& context,
                                        DiscordUserId member) const;
  /// The key of an address for this member alone; the one of before is of no use from now on. `place`: the
  /// channel where he asked for it.
  store::TxTask<std::string> invite(store::Tx& tx, bot::ServerContext& context, bot::Caller member,
                                    std::string place) const;

  // What the page of a link does, each in one transaction. Where two prove one account at once, one of them
  // meets DbCode::unique, and finds it taken when it is tried again.

  store::TxTask<Standing> look(store::Tx& tx, bot::ServerContext& context, Visit visit) const;
  /// He goes on in this browser, which has the address for itself from now on.
  store::TxTask<Standing> open(store::Tx& tx, bot::ServerContext& context, Visit visit) const;
  /// He came back from the platform, which says who he is there.
  store::TxTask<Standing> prove(store::Tx& tx, bot::ServerContext& context, Visit visit,
                                bot::PlatformUser account) const;
  /// He came back with nothing, which moderators see: "denied" there, or "kick", which did not say who he is.
  store::TxTask<Standing> come_back_in_vain(store::Tx& tx, bot::ServerContext& context, Visit visit,
                                            std::string trouble) const;
  /// What he proved takes the place of what is linked to him.
  store::TxTask<Standing> replace(store::Tx& tx, bot::ServerContext& context, Visit visit) const;
  /// What he proved shall move to him.
  store::TxTask<Standing> ask_to_move(store::Tx& tx, bot::ServerContext& context, Visit visit) const;

  // What a holder does. Nothing: it is not his.

  store::TxTask<std::optional<Objection>> look_at_move(store::Tx& tx, DiscordUserId holder,
                                                       std::int64_t move) const;
  /// Of one move, or (nothing) of all that are open; how many have ended by it.
  store::TxTask<int> object(store::Tx& tx, bot::ServerContext& context, DiscordUserId holder,
                            std::optional<std::int64_t> move) const;
  /// Moves what nobody has objected to in time; nothing where linking is switched off.
  store::TxTask<void> move_due(store::Tx& tx, bot::ServerContext& context) const;
  /// Drops what is kept no longer.
  store::TxTask<void> forget_old(store::Tx& tx, bot::ServerContext& context) const;

  /// In place of what is linked to him, if anything is. What that had brought goes back to it, or stays with
  /// him where it is known by its name alone (bot/renamed_links.h). Errors as of bot::link_member.
  store::TxTask<Result<bot::LinkOutcome>> link_instead(store::Tx& tx, bot::ServerContext& context,
                                                       bot::LinkRequest request, tenancy::Actor actor) const;
  /// Undoes the link; error `not_found`: there is none.
  store::TxTask<Result<bot::LinkOutcome>> undo(store::Tx& tx, bot::ServerContext& context,
                                               DiscordUserId member, tenancy::Actor actor) const;

 private:
  struct Proof;
  store::TxTask<Standing> decide(store::Tx& tx, bot::ServerContext& context, Proof proof) const;
  store::TxTask<std::optional<Standing>> stop(store::Tx& tx, bot::ServerContext& context,
                                              const Proof proof) const;
  store::TxTask<Standing> link(store::Tx& tx, bot::ServerContext& context, Proof proof) const;
  store::TxTask<Standing> settle(store::Tx& tx, bot::ServerContext& context, Proof proof, Step step,
                                 std::optional<TimePoint> until = {}) const;
  store::TxTask<void> note_attempt(store::Tx& tx, bot::ServerContext& context, const Proof proof) const;
  store::TxTask<void> keep(store::Tx& tx, bot::ServerContext& context, const Proof proof) const;
  store::TxTask<bool> object_to(store::Tx& tx, bot::ServerContext& context, DiscordUserId holder,
                                const MoveRow move) const;
  store::TxTask<void> carry_out(store::Tx& tx, bot::ServerContext& context, MoveRow move, bool is_held) const;
  store::TxTask<void> end_in_vain(store::Tx& tx, bot::ServerContext& context, MoveRow move) const;
  store::TxTask<void> tell_holder(store::Tx& tx, bot::ServerContext& context, const Proof proof,
                                  bot::Identity holder, std::int64_t move, TimePoint due) const;

  const bot::Declarations& declarations_;
};

/// What moved with a link, as people are told it.
std::int64_t minutes_of(const bot::LinkOutcome& outcome);

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::linking
