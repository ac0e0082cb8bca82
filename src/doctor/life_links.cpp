// Members who link accounts themselves, as far as the pages of linking go with them: each side of an account
// that two of them have proved, and what is left of it when the life ends.
#include <fmt/format.h>

#include "doctor/life.h"
#include "features/linking/linking.h"

namespace guildhall::doctor {
namespace {

using namespace std::chrono_literals;
using features::linking::Linking;
using features::linking::Standing;
using features::linking::Step;
using features::linking::Visit;
using store::Tx;
using store::TxTask;

/// Above every number that Discord or Kick gave to anybody, and apart from those of the rest of the life.
constexpr std::int64_t kMembers = 9'150'000'000'000'000'000;

DiscordUserId member(int number) { return DiscordUserId(kMembers + number); }

/// One server whose members come to the pages at times of their own.
class Pages {
 public:
  Pages(ProofBot& bot, ServerId server) : bot_(bot), server_(server), linking_(bot.declarations()) {}

  template <class Body>
  auto at(TimePoint time, Body body) {
    return net::run_to_end(
        bot_.scope(server_).transact([&](Tx& tx) -> decltype(body(tx, std::declval<bot::ServerContext&>())) {
          const auto& declarations = bot_.declarations();
          bot::ServerContext context{
              server_, time, co_await bot::load_settings(tx, declarations.settings, *declarations.config),
              &declarations.texts};
          co_return co_await body(tx, context);
        }));
  }
  /// The member comes by an address of his own and proves that account.
  Visit prove(TimePoint time, int who, int account, Step expected) {
    const bot::Caller user{{bot::kDiscord, member(who).str(), "isolationlinker"}};
    const auto key = at(time, [&](Tx& tx, bot::ServerContext& context) {
      return linking_.invite(tx, context, user, "4242");
    });
    at(time, [&](Tx& tx, bot::ServerContext& context) {  // he presses twice
      return linking_.wait_for_next(tx, context, member(who));
    });
    const Visit visit{member(who), key, "isolation browser", "127.0.0.1"};
    at(time, [&](Tx& tx, bot::ServerContext& context) { return linking_.open(tx, context, visit); });
    const bot::PlatformUser proved{bot::kKick, fmt::format("{}", kMembers + account),
                                   fmt::format("isolationaccount{}", account)};
    expect(expected, at(time, [&](Tx& tx, bot::ServerContext& context) {
             return linking_.prove(tx, context, visit, proved);
           }));
    return visit;
  }
  void ask(TimePoint time, const Visit& visit, Step expected) {
    expect(expected, at(time, [&](Tx& tx, bot::ServerContext& context) {
             return linking_.ask_to_move(tx, context, visit);
           }));
  }
  const Linking& linking() const { return linking_; }

 private:
  static void expect(Step expected, const Standing& standing) {
    if (standing.step != expected)
      throw std::logic_error(fmt::format("a link of the proof stands at step {} in place of {}",
                                         static_cast<int>(standing.step), static_cast<int>(expected)));
  }

  ProofBot& bot_;
  ServerId server_;
  Linking linking_;
};

}  // namespace

void Life::link_themselves() {
  Pages pages(bot_, own_.server);
  const TimePoint now = bot_.clock().now();
  const TimePoint then = now - 40 * 24h;  // when it ends, the first of it is kept no longer
  // The first member's account is proved by the second, who asks for it, and by a third; the first keeps it.
  pages.prove(then - 30h, 1, 1, Step::linked);
  pages.prove(then - 30h, 2, 1, Step::taken);
  const Visit wanting = pages.prove(then, 2, 1, Step::taken);
  pages.ask(then, wanting, Step::asked);
  const Visit late = pages.prove(then, 3, 1, Step::taken);
  pages.ask(then, late, Step::refused);
  pages.at(then, [&](Tx& tx, bot::ServerContext& context) -> TxTask<void> {
    if (!co_await pages.linking().look_at_move(tx, member(1), 1)) throw std::logic_error("a move is lost");
    co_await pages.linking().object(tx, context, member(1), 1);
  });
  // He links another in its place, and has to wait with a third.
  const Visit again = pages.prove(then, 1, 2, Step::held);
  pages.at(then,
           [&](Tx& tx, bot::ServerContext& context) { return pages.linking().replace(tx, context, again); });
  pages.prove(then, 1, 3, Step::paused);
  // Nobody objects to the fourth, whom the second account becomes.
  const Visit fourth = pages.prove(then, 4, 2, Step::taken);
  pages.ask(then, fourth, Step::asked);
  bot_.work_due();
  // What stays to the end.
  pages.prove(now, 5, 5, Step::linked);
  const Visit last = pages.prove(now, 6, 5, Step::taken);
  pages.ask(now, last, Step::asked);
}

}  // namespace guildhall::doctor
