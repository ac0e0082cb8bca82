// The way of a member who links his account, and of those who would have somebody else link theirs.
#include "web/link_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/links.h"
#include "bot/oauth_states.h"
#include "tests/support/test_world.h"

namespace guildhall::web {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LinkPagesOf : public testing::Test {
 protected:
  LinkPagesOf() {
    world_.config.kick_client_id = "app";
    world_.config.web_public_url = "https://hall.example";
    world_.server(1);
    world_.server(2);
    loops_.start();
  }
  ~LinkPagesOf() override { world_.close(loops_); }

  static Secrets secrets_in(const test::TemporaryFolder& folder) {
    const auto file = folder.path() / "keys";
    EXPECT_TRUE(Secrets::create(file));
    return *Secrets::load(file);
  }
  /// The path of the page that the member is given by the command.
  std::string invited(std::int64_t member, std::int64_t server = 1) {
    bot::CommandCall call;
    call.caller.user = {bot::kDiscord, std::to_string(member), "Member<" + std::to_string(member)};
    call.place = "discord:77";
    const auto& command = world_.declarations.commands.at(bot::Door::slash, "link");
    const auto reply = world_.in(server, [&](store::Tx& tx) -> store::TxTask<bot::Reply> {
      bot::ServerContext context{ServerId(server), world_.clock.now(),
                                 co_await bot::load_settings(tx, world_.declarations.settings, world_.config),
                                 &world_.declarations.texts};
      co_return co_await command.handler(tx, context, call);
    });
    const std::string address =
        links_.address(ServerId(server), *reply.offers.at(0).page, world_.clock.now());
    return address.substr(std::string("https://hall.example").size());
  }

  net::HttpResponse ask(net::HttpRequest request) {
    return net::run_to_end(pages_.handle(std::move(request)));
  }
  net::HttpResponse get(std::string path, std::string cookies = "") {
    net::HttpRequest request;
    request.url = std::move(path);
    request.headers = {{"cookie", std::move(cookies)}};
    request.peer = "127.0.0.1";
    return ask(std::move(request));
  }
  net::HttpResponse post(std::string path, std::string cookies, std::string body,
                         std::string site = "same-origin") {
    net::HttpRequest request;
    request.method = "POST";
    request.url = std::move(path);
    request.headers = {{"cookie", std::move(cookies)}, {"sec-fetch-site", std::move(site)}};
    request.body = std::move(body);
    request.peer = "127.0.0.1";
    return ask(std::move(request));
  }
  /// Moderators are told of every attempt.
  void keep_log() {
    world_.in(1, [&](store::Tx& tx) {
      const bot::SettingWish wish{.key = "link_log_channel_id", .value = "88"};
      return bot::change_server_setting(tx, world_.declarations, ServerId(1), wish, {"tester", "system"},
                                        world_.clock.now());
    });
  }
  std::optional<net::HttpResponse> come_back(std::string state, std::string cookies,
                                             std::string code = "owl") {
    net::HttpRequest request;
    request.url = "/auth/kick/callback";
    request.query = {{"state", std::move(state)}, {"code", std::move(code)}};
    request.headers = {{"cookie", std::move(cookies)}};
    request.peer = "127.0.0.1";
    return net::run_to_end(pages_.finish(std::move(request)));
  }
  static std::string cookie_of(const net::HttpResponse& response) {
    const std::string cookie = response.header("set-cookie").value_or("");
    return cookie.substr(0, cookie.find(';'));
  }
  /// What the form on the page sends.
  static std::string form_of(const net::HttpResponse& page) {
    const auto value = [&](const std::string& before) {
      const auto at = page.body.find(before);
      if (at == std::string::npos) return std::string();
      return page.body.substr(at + before.size(),
                              page.body.find('"', at + before.size()) - at - before.size());
    };
    return "key=" + value("name=\"key\" value=\"") + "&do=" + value("name=\"do\" value=\"");
  }
  /// From the address to Kick; the state that Kick was given.
  struct Begun {
    std::string cookie;
    std::string state;
  };
  Begun begin(const std::string& path) {
    const auto page = get(path);
    const auto cookie = cookie_of(page);
    const auto onward = post(path, cookie, form_of(page));
    EXPECT_THAT(onward.body, HasSubstr("kick.test"));
    return {cookie, state_};
  }
  std::string links() { return world_.dump("SELECT count(*) FROM links WHERE undone_at IS NULL"); }

  test::TestWorld world_;
  test::TemporaryFolder folder_;
  net::Loops loops_{1};
  bot::TopicHub topics_;
  bot::Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  Secrets secrets_ = secrets_in(folder_);
  bot::PageLinks links_{world_.config, secrets_};
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  bot::OAuthStates states_{world_.tenancy->global(), world_.clock};
  std::string state_;  // that Kick was given last
  int asked_ = 0;      // how often Kick was asked whose account it is
  const AccountDoor door_{
      .address = [this](std::string browser, ServerId server, std::string back) -> Task<std::string> {
        const auto begun = co_await states_.begin({"kick.account", browser, server, back});
        state_ = begun.state;
        co_return "https://kick.test/authorize?state=" + state_;
      },
      .came = [this](std::string state, std::string browser) -> Task<std::optional<AccountDoor::Came>> {
        const auto came = co_await states_.take(state, "kick.account", browser);
        if (!came) co_return std::nullopt;
        co_return AccountDoor::Came{came->verifier, came->back_to};
      },
      .account = [this](std::string code, std::string) -> Task<Result<bot::PlatformUser>> {
        ++asked_;
        if (code == "bad") co_return fail(ErrorCode::unauthenticated, "a code that is none");
        co_return bot::PlatformUser{bot::kKick, "id of " + code, code};
      }};
  LinkPages pages_{*world_.tenancy, world_.declarations,          dispatcher_, sessions_,
                   links_,          {world_.clock, world_.clock}, door_,       world_.metrics};
};

TEST_F(LinkPagesOf, AMemberLinksHisAccount) {
  const std::string path = invited(5);
  const auto page = get(path);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("Member&lt;5"), Not(HasSubstr("Member<5")), HasSubstr("Only go on")))
      << "it names the member";
  EXPECT_EQ(page.header("cache-control"), "no-store");
  const auto begun = begin(path);
  const auto back = come_back(begun.state, begun.cookie);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->header("location"), path);
  EXPECT_THAT(get(path, begun.cookie).body, HasSubstr("owl is linked"));
  EXPECT_EQ(links(), "1\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM outbox WHERE destination = 'member:5'"), "1\n");
}

TEST_F(LinkPagesOf, WhatComesBackCountsOnceAndInTheBrowserThatBegan) {
  const auto mine = begin(invited(5));
  const auto theirs = begin(invited(6));
  for (const std::string& cookie :
       {std::string(), theirs.cookie, std::string("__Host-guildhall_link=guessed")}) {
    const auto refused = come_back(mine.state, cookie);
    EXPECT_TRUE(!refused || refused->status == 403) << cookie;
  }
  EXPECT_EQ(links(), "0\n");
  EXPECT_EQ(asked_, 0) << "Kick is not even asked";
  ASSERT_TRUE(come_back(mine.state, mine.cookie));
  EXPECT_EQ(links(), "1\n");
  EXPECT_EQ(come_back(mine.state, mine.cookie)->status, 403) << "used";
}

TEST_F(LinkPagesOf, AStateForAChannelOrForSigningInLinksNobody) {
  const std::string path = invited(5);
  const auto begun = begin(path);
  const std::string browser = begun.cookie.substr(begun.cookie.find('=') + 1);
  for (const char* purpose : {"kick.channel", "discord.sign_in"}) {
    const auto other = net::run_to_end(states_.begin({purpose, hash_of_secret(browser), ServerId(1), path}));
    const auto refused = come_back(other.state, begun.cookie);
    EXPECT_EQ(refused->status, 403) << purpose;
  }
  EXPECT_EQ(links(), "0\n");
}

TEST_F(LinkPagesOf, NobodyIsLedToLinkHisAccountToAnother) {
  const std::string path = invited(5);  // of the attacker, who sends it to somebody
  const auto page = get(path);
  const std::string cookie = cookie_of(page);
  EXPECT_EQ(post(path, cookie, form_of(page), "cross-site").status, 403) << "a form on another site";
  EXPECT_EQ(post(path, cookie, "do=continue").status, 403) << "without what our page knows";
  EXPECT_EQ(post(path, "", form_of(page)).status, 403) << "in a browser that has not opened it";
  EXPECT_EQ(post(path, cookie_of(get(path)), form_of(page)).status, 403)
      << "with the form of another browser";
  EXPECT_EQ(state_, "") << "nobody was sent to Kick";

  const std::string session =
      *net::run_to_end(sessions_.sign_in_member({DiscordUserId(6), "Somebody else", {}}));
  EXPECT_EQ(get(path, "guildhall_session=" + session).status, 403) << "who is signed in here as another";
  const std::string own = *net::run_to_end(sessions_.sign_in_member({DiscordUserId(5), "Himself", {}}));
  EXPECT_EQ(get(path, "guildhall_session=" + own).status, 200);

  begin(path);
  const auto late = get(path);
  EXPECT_THAT(late.body, HasSubstr("belongs to another browser"));
}

TEST_F(LinkPagesOf, AnAddressIsGoodForTenMinutesAndForItsServer) {
  const std::string path = invited(5);
  EXPECT_EQ(get("/link/1.5.key.99999999999.AAAAAAAAAAAAAAAAAAAAAA").status, 404);
  EXPECT_EQ(get(path + "x").status, 404);
  std::string other = path;
  other.replace(other.find("/1."), 3, "/2.");
  EXPECT_EQ(get(other).status, 404);
  world_.clock.advance(601s);
  EXPECT_EQ(get(path).status, 404);
}

TEST_F(LinkPagesOf, WhatGoesWrongAtKickIsSaidAndCanBeTriedAgain) {
  keep_log();
  const std::string path = invited(5);
  const auto begun = begin(path);
  const auto denied = come_back(begun.state, begun.cookie, "");
  EXPECT_EQ(denied->header("location"), path + "?trouble=denied");
  net::HttpRequest request;
  request.url = path;
  request.query = {{"trouble", "denied"}};
  request.headers = {{"cookie", begun.cookie}};
  request.peer = "127.0.0.1";
  const auto page = ask(request);
  EXPECT_THAT(page.body, HasSubstr("did not allow it"));
  post(path, begun.cookie, form_of(page));
  EXPECT_EQ(come_back(state_, begun.cookie, "bad")->header("location"), path + "?trouble=kick");
  EXPECT_EQ(links(), "0\n");
  EXPECT_THAT(world_.dump("SELECT body FROM outbox WHERE destination = 'discord:88' ORDER BY sequence"),
              AllOf(HasSubstr("<@5>"), HasSubstr("cancelled there"), HasSubstr("Kick did not say")));
}

TEST_F(LinkPagesOf, WhoProvesAnothersAccountIsNotToldWhose) {
  const auto first = begin(invited(5));
  come_back(first.state, first.cookie);
  const std::string path = invited(6);
  const auto second = begin(path);
  come_back(second.state, second.cookie);
  const auto page = get(path, second.cookie);
  EXPECT_THAT(page.body, AllOf(HasSubstr("owl is linked to somebody else"), Not(HasSubstr("Member&lt;5"))));
  EXPECT_THAT(form_of(page), HasSubstr("do=move."));
  EXPECT_EQ(post(path, second.cookie, form_of(page) + "x").status, 303);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM link_moves"), "0\n") << "the page showed another account";
  EXPECT_EQ(post(path, second.cookie, form_of(page)).header("location"), path);
  EXPECT_THAT(get(path, second.cookie).body, HasSubstr("You have asked for owl"));

  const auto objecting = links_.address(ServerId(1), {"link-objection", "5", "1", 72h}, world_.clock.now())
                             .substr(std::string("https://hall.example").size());
  const auto objection = get(objecting);
  EXPECT_THAT(objection.body, AllOf(HasSubstr("Somebody asks for owl"), Not(HasSubstr("Member&lt;6"))));
  EXPECT_EQ(post(objecting, cookie_of(objection), "do=object").status, 403);
  const std::string stranger =
      *net::run_to_end(sessions_.sign_in_member({DiscordUserId(6), "Somebody else", {}}));
  EXPECT_EQ(get(objecting, "guildhall_session=" + stranger).status, 403);
  EXPECT_EQ(post(objecting, cookie_of(objection), form_of(objection)).status, 303);
  EXPECT_THAT(get(objecting).body, HasSubstr("this is decided"));
  EXPECT_EQ(world_.dump("SELECT state FROM link_moves"), "objected\n");
}

/// Who tries accounts of others learns from the answer alone neither whether they are taken, nor by how long
/// it takes.
TEST_F(LinkPagesOf, ATakenAccountIsAnsweredAsAnyOther) {
  const Counter& units = world_.metrics.counter("guildhall_db_units_total", "Units of work committed.");
  struct Seen {
    int status;
    bool to_the_page;
    std::size_t size;
    std::int64_t units;
    int asked;
  };
  const auto try_it = [&](std::int64_t member, const std::string& account) {
    const std::string path = invited(member);
    const auto begun = begin(path);
    const auto before = units.value();
    const int asked = asked_;
    const auto answer = come_back(begun.state, begun.cookie, account);
    return Seen{answer->status, answer->header("location") == path, answer->body.size(),
                units.value() - before, asked_ - asked};
  };
  keep_log();
  try_it(7, "hare");  // the first of all costs what is nobody's account
  const Seen linked = try_it(5, "owl");
  const Seen taken = try_it(6, "owl");
  EXPECT_EQ(links(), "2\n");
  EXPECT_EQ(taken.status, linked.status);
  EXPECT_EQ(taken.to_the_page, linked.to_the_page);
  EXPECT_EQ(taken.size, linked.size);
  EXPECT_EQ(taken.asked, linked.asked);
  // Among calls to Kick one local transaction more or less is no time that anybody could tell.
  EXPECT_LE(std::abs(taken.units - linked.units), 1) << "transactions";
}

TEST_F(LinkPagesOf, OneVisitorCannotTryForEver) {
  const std::string path = invited(5);
  int refused = 0;
  for (int i = 0; i < 65; ++i) refused += post(path, "", "").status == 429 ? 1 : 0;
  EXPECT_EQ(refused, 5);
  for (int i = 0; i < 300; ++i) EXPECT_NE(get("/link/none").status, 429);
  EXPECT_EQ(get("/link/none").status, 429);
  const std::string cookie = "__Host-guildhall_link=browser";
  for (int i = 0; i < 60; ++i) EXPECT_NE(come_back("none", cookie)->status, 429);
  EXPECT_EQ(come_back("none", cookie)->status, 429);
}

}  // namespace
}  // namespace guildhall::web
