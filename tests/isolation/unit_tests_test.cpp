// Each part of each protection taken away by itself: the unit test that is named for it fails.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/describe/enum_to_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/isolation/matrix.h"
#include "tests/isolation/peeling.h"

namespace guildhall::test {
namespace {

struct Part {
  Mutation mutation;
  const char* taken_away;
  const char* test;
};

/// About no layout: seen on one of them.
constexpr Part kOfNoLayout[] = {
    {Mutation::gate_open, "the statement gate", "Seal.RefusesAMissingPredicateAndNamesTheTable"},
    {Mutation::gate_open, "the statement gate", "Seal.RefusesAPredicateThatDoesNotBind"},
    {Mutation::gate_open, "the statement gate", "Seal.RefusesWhatOnlyLooksLikeAPredicate"},
    {Mutation::gate_open, "the statement gate", "Seal.RefusesToMoveARowInOtherWords"},
    {Mutation::parameters_unread, "the statement gate's look at parameters",
     "Seal.ParametersAndColumnsMustAgree"},
    {Mutation::tables_unread, "the statement gate's look at tables", "Seal.RefusesToReadTablesOfNoServer"},
    {Mutation::tables_unread, "the statement gate's look at tables", "Seal.RefusesWritesToTablesOfNoServer"},
    {Mutation::tables_unread, "the statement gate's look at tables",
     "Seal.GlobalStatementsReachNoServersRows"},
    {Mutation::tables_unread, "the statement gate's look at tables",
     "Seal.CrossServerStatementsNeedAReasonAndADeclaredTable"},
    {Mutation::shape_unread, "the statement gate's reading of the text",
     "Seal.RefusesInsertsForAnotherServer"},
    {Mutation::shape_unread, "the statement gate's reading of the text", "Seal.RefusesTablesThatHide"},
    {Mutation::accesses_unread, "the statement gate's comparison of text and database",
     "Seal.RefusesATableThatTheTextDoesNotShow"},
    {Mutation::plan_unread, "the statement gate's look at the plan",
     "Seal.RefusesAPlanThatDoesNotSearchByTheServer"},
    {Mutation::inactive_served, "the check that a server is active", "Scopes.ServersThatWereLeftGetNone"},
    {Mutation::channel_of_all, "the servers of a channel's event",
     "Scopes.AChannelsEventIsForItsServersAlone"},
    {Mutation::session_unchecked, "the rights of a session", "Members.HaveTheScopeOfTheirServerAlone"},
    {Mutation::reserved_known, "the bounds of the registry",
     "ReservedServers.AreNobodysAndUnknownToTheProduct"},
    {Mutation::signature_unread, "the signature of an address",
     "PageLinksOfOurs.CannotBeChangedOrTakenElsewhere"},
    {Mutation::signature_unread, "the signature of a button", "SignedIds.CannotBeAlteredOrMadeUp"},
    {Mutation::state_of_any_browser, "the browser that went to the platform",
     "LinkPagesOf.WhatComesBackCountsOnceAndInTheBrowserThatBegan"},
    {Mutation::state_of_any_browser, "the browser that went to the platform",
     "ByDiscord.AnotherBrowserIsNotSignedInByTheLink"},
    {Mutation::state_for_anything, "what somebody comes back for",
     "LinkPagesOf.AStateForAChannelOrForSigningInLinksNobody"},
    {Mutation::state_for_anything, "what somebody comes back for",
     "ByDiscord.WhoWentToConnectAChannelIsNotSignedInByThat"},
    {Mutation::state_kept, "the single use of a state",
     "LinkPagesOf.WhatComesBackCountsOnceAndInTheBrowserThatBegan"},
    {Mutation::state_kept, "the single use of a state", "ByDiscord.AnAddressWorksOnceAndForTenMinutes"},
    {Mutation::press_from_anywhere, "the page whose button is pressed",
     "LinkPagesOf.NobodyIsLedToLinkHisAccountToAnother"},
    {Mutation::visitor_unread, "who is signed in where a link is opened",
     "LinkPagesOf.NobodyIsLedToLinkHisAccountToAnother"},
    {Mutation::onward_anywhere, "the addresses after signing in",
     "ByDiscord.ItLeadsToPagesOfTheDashboardAlone"},
    {Mutation::session_kept, "the end of the session of before", "ByDiscord.TheSessionOfBeforeEnds"},
    {Mutation::session_chosen, "the fresh id of a session",
     "ByDiscord.NobodyIsSignedInUnderAnIdThatSomebodyElseKnows"},
    {Mutation::session_in_address, "the cookie as the only place of a session's id",
     "Contract.ASessionInTheAddressOpensNothing"},
    {Mutation::taken_asked_again, "the same work for every account",
     "LinkPagesOf.ATakenAccountIsAnsweredAsAnyOther"},
    {Mutation::line_ends_pass, "the refusal of line ends in the head of an answer",
     "Http.AnAnswersHeadCannotBeginAnotherLine"},
    {Mutation::line_ends_pass, "the refusal of line ends in the head of a request",
     "Http.AHeadCannotBeginAnotherRequest"},
    {Mutation::csrf_unread, "the token of the dashboard's page", "Contract.AChangeNeedsTheSessionsToken"},
    {Mutation::webhook_signature_unread, "the signature of what Kick posts",
     "KickPosts.WhatSomebodyElseSignedIsRefused"},
    {Mutation::webhook_age_unread, "the age of what Kick posts", "KickPosts.WhatWasSignedLongAgoIsRefused"},
    {Mutation::webhook_repeated, "the memory of what Kick has posted",
     "KickPosts.WhatWasRecordedIsNotAnsweredAgain"},
    {Mutation::webhook_of_any_channel, "the channel of a subscription",
     "KickPosts.WhatIsNotWhatItsSubscriptionIsForIsRefused"},
    {Mutation::shown_settable, "the refusal to set kick_channel by hand",
     "Members.CannotMakeTheBotSpeakInAStrangersChannel"},
    {Mutation::shown_settable, "the refusal to set kick_channel by hand",
     "ServerSettings.WhatOnlyShowsSomethingIsNobodysToSet"},
    {Mutation::owner_unread, "the owner of a channel", "InKick.ARefusedAttemptChangesNothing"},
    {Mutation::catalog_unread, "the catalog gate",
     "Catalog.WhatIsOpenedBehindTheRunningProgramStopsItsNextStart"},
};

constexpr Part kOfSqlite[] = {
    {Mutation::authorizer_off, "the authorizer",
     "SqliteDatabase.RunningConnectionsCannotChangeTheSchemaOrReachOtherFiles"},
    {Mutation::scope_kind_unread, "the kind of a statement's scope",
     "Scopes.AStatementOfAnotherKindIsAFault"},
};

constexpr Part kOfFiles[] = {
    {Mutation::marker_unread, "the marker check", "PerServer.AFileUnderAnotherServersNameIsRefused"},
    {Mutation::pins_off, "the pins", "PerServer.EverySealedTableRefusesAForeignServer"},
    {Mutation::file_shared, "a file for each server", "PerServer.RowsLieInTheirServersFileAndNowhereElse"},
    {Mutation::scope_kind_unread, "the kind of a statement's scope",
     "PerServer.AStatementWhereItsRowsDoNotLieIsAFault"},
};

constexpr Part kOfPostgres[] = {
    {Mutation::scope_unsent, "the scope that the database is told",
     "Postgres.OnePreparedStatementServesTwoServersInTurns"},
    {Mutation::scope_kept, "the end of the scope with its transaction",
     "Postgres.TheNextUserOfAConnectionHasNoScope"},
};

/// Runs one unit test on the mutants; true: it passed.
bool passes(const std::string& mutation, const std::string& test) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mutant_unit_tests";
  const std::string variable = mutation.empty() ? "" : "GUILDHALL_MUTATION=" + mutation;
  const std::string call = fmt::format("{} '{}' --gtest_filter='{}' 2>&1", variable, program.string(), test);
  std::string said;
  std::FILE* pipe = ::popen(call.c_str(), "r");
  for (char part[4'096]; std::fgets(part, sizeof part, pipe) != nullptr;) said += part;
  const bool passed = ::pclose(pipe) == 0;
  EXPECT_TRUE(said.find("[ RUN      ] " + test) != std::string::npos) << "there is no test " << test << said;
  if (mutation.empty()) EXPECT_TRUE(passed) << said;
  return passed;
}

template <std::size_t n>
void expect_each_seen(const Part (&parts)[n]) {
  for (const Part& part : parts) {
    EXPECT_TRUE(passes("", part.test)) << part.test;
    EXPECT_FALSE(passes(boost::describe::enum_to_string(part.mutation, ""), part.test))
        << part.test << " does not miss " << part.taken_away;
    write_to_matrix({part.taken_away, "-", "unit test", part.test});
  }
}

TEST(UnitTests, SeeEachPartThatIsMissing) {
  switch (tested_layout()) {
    case store::Layout::sqlite: expect_each_seen(kOfNoLayout); return expect_each_seen(kOfSqlite);
    case store::Layout::sqlite_per_server: return expect_each_seen(kOfFiles);
    case store::Layout::postgres: return expect_each_seen(kOfPostgres);
  }
}

/// Behind all others.
TEST(Matrix, IsWhatItsPageSays) {
  if (GTEST_FLAG_GET(filter) != std::string("*")) GTEST_SKIP() << "only a run of all tests fills the page";
  constexpr const char* kNames[] = {"sqlite", "sqlite-per-server", "postgres"};
  const std::string file = fmt::format("{}/docs/internals/mutations/{}.md", GUILDHALL_SOURCE_DIR,
                                       kNames[static_cast<std::size_t>(tested_layout())]);
  const std::string page = matrix_page();
  if (std::getenv("GUILDHALL_WRITE_DOCS") != nullptr) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << page;
  }
  std::stringstream written;
  written << std::ifstream(file).rdbuf();
  EXPECT_EQ(written.str(), page) << "GUILDHALL_WRITE_DOCS=1 writes it";
}

}  // namespace
}  // namespace guildhall::test
