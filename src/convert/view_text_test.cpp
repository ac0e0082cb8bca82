#include "convert/view_text.h"

#include <gtest/gtest.h>

namespace guildhall::convert {
namespace {

std::string grouped(std::string_view text) {
  return group_by_server(text, "periods", {"id"}, "server").value_or("not understood");
}

TEST(ViewText, GroupsByTheServerBesideTheKey) {
  EXPECT_EQ(grouped("SELECT p.id, count(*) FROM public.periods p GROUP BY p.id"),
            "SELECT p.id, count(*) FROM public.periods p GROUP BY p.id, p.\"server\"");
  EXPECT_EQ(
      grouped("SELECT 1 FROM (public.periods p LEFT JOIN public.tickets t ON ((t.period_id = p.id))) WHERE "
              "(p.status = 'active') GROUP BY p.id HAVING (count(p.id) > 1) ORDER BY p.id"),
      "SELECT 1 FROM (public.periods p LEFT JOIN public.tickets t ON ((t.period_id = p.id))) WHERE "
      "(p.status = 'active') GROUP BY p.id, p.\"server\" HAVING (count(p.id) > 1) ORDER BY p.id");
  EXPECT_EQ(grouped("SELECT 1 FROM public.periods GROUP BY periods.id"),
            "SELECT 1 FROM public.periods GROUP BY periods.id, periods.\"server\"");
}

TEST(ViewText, LeavesEverythingElse) {
  for (const std::string_view text :
       {"SELECT p.id FROM public.periods p", "SELECT t.id FROM public.tickets t GROUP BY t.id",
        "SELECT 'GROUP BY p.id' FROM public.periods p",
        "SELECT x.n FROM (SELECT count(*) AS n FROM public.tickets t GROUP BY t.id) x, public.periods p "
        "WHERE (x.n = p.id)"})
    EXPECT_EQ(grouped(text), text);
}

TEST(ViewText, WithinASubquery) {
  EXPECT_EQ(
      grouped("SELECT s.id FROM (SELECT p.id FROM public.periods p GROUP BY p.id) s WHERE (s.id = p.id)"),
      "SELECT s.id FROM (SELECT p.id FROM public.periods p GROUP BY p.id, p.\"server\") s WHERE (s.id = "
      "p.id)");
}

}  // namespace
}  // namespace guildhall::convert
