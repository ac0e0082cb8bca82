#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/report.h"

namespace guildhall::convert {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1d21;--soft:#5b626d;--line:#d9dde3;--card:#f6f7f9;
--good:#12653b;--good-paper:#e2f4e9;--bad:#a01c1c;--bad-paper:#fbe6e6;--note:#7a4a00;--note-paper:#fbf0da}
@media(prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#e7e9ed;--soft:#a3abb7;--line:#333943;--card:#1c1f25;
--good:#7fdca7;--good-paper:#12301f;--bad:#ff9c9c;--bad-paper:#3a1717;--note:#f2c573;--note-paper:#33260d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.25rem 0 .5rem}
p{margin:.5rem 0}
.soft{color:var(--soft)}
.banner{border-radius:.6rem;padding:.9rem 1.1rem;margin:1.1rem 0;font-size:1.05rem;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--note)}
.banner.good{background:var(--good-paper)}.banner.bad{background:var(--bad-paper)}.banner.note{background:var(--note-paper)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:.75rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul.checks{list-style:none;padding:0;margin:.5rem 0}
ul.checks li{display:flex;gap:.7rem;padding:.3rem 0}
ul.checks b{flex:none;width:1.2rem;text-align:center}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.6rem;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.42rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child td{border-bottom:0}
th{background:var(--card);font-weight:600;font-size:.88rem;white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
td.s,th.s{text-align:center;white-space:nowrap}td.s{font-weight:700}
td.w{overflow-wrap:anywhere;min-width:9rem}td.y{min-width:15rem}
.lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 1.5rem;align-items:start}
.lists h3{font-size:1rem;margin:.8rem 0 0}.lists td,.lists th{padding:.42rem .55rem}.lists td.w{min-width:6rem}
@media(max-width:34rem){th,td{padding:.4rem .5rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}
.stack thead{position:absolute;left:0;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.stack tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}
.stack tbody tr:last-child{border-bottom:0}.stack td{display:block;border:0;padding:.15rem .8rem}
.stack td::before{content:attr(data-of);display:block;color:var(--soft);font-size:.82rem}}
@media print{.scroll{overflow:visible}body{font-size:12px}}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

/// A name as somebody wrote it keeps its own direction of writing.
std::string name_html(std::string_view name) {
  return name.empty() ? "<span class=\"soft\">(none)</span>" : fmt::format("<bdi>{}</bdi>", escaped(name));
}

struct Sign {
  std::string_view mark;
  std::string_view tone;
  std::string_view words;
};

Sign sign_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::equal: return {"=", "good", "equal"};
    case Verdict::explained: return {"=", "good", "equal, but for the rows listed"};
    case Verdict::written: return {"+", "note", "written to since"};
    case Verdict::differs: return {"≠", "bad", "not equal"};
  }
  std::unreachable();
}

std::string sign_cell(const Sign& sign) {
  return fmt::format(R"(<td class="s {}" title="{}">{}<span hidden> {}</span></td>)", sign.tone, sign.words,
                     sign.mark, sign.words);
}

class Page {
 public:
  Page(const ReportHead& head, const Verification& found) : head_(head), found_(found) {}

  std::string write() {
    begin();
    facts();
    checks();
    lists();
    refused();
    twins();
    if (found_.is_compared) tables();
    notes();
    if (found_.is_compared) explain();
    return html_ + "</main></body></html>\n";
  }

 private:
  template <class... Parts>
  void add(fmt::format_string<Parts...> text, Parts&&... parts) {
    fmt::format_to(std::back_inserter(html_), text, std::forward<Parts>(parts)...);
  }

  std::string server(const std::string& id) const {
    if (id.empty() || id == "NULL") return "<span class=\"soft\">none named</span>";
    if (id == "0") return "all servers";
    const auto name = head_.servers.find(id);
    return name == head_.servers.end()
               ? escaped(id)
               : fmt::format("<span title=\"{}\">{}</span>", escaped(id), name_html(name->second));
  }

  bool has_warnings() const {
    return std::ranges::any_of(found_.findings,
                               [](const auto& one) { return one.level == migrate::Level::warning; });
  }

  void begin() {
    add("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Conversion report: {}</title>"
        "<style>{}</style></head><body><main>",
        escaped(head_.database), kStyle);
    add("<h1>Conversion report</h1><p class=\"soft\">{} · {} UTC</p>", escaped(head_.database),
        escaped(head_.made_at));
    const std::string_view tone = !found_.ok ? "bad" : has_warnings() ? "note" : "good";
    add("<div class=\"banner {}\" role=\"status\">{} {}</div>", tone, found_.ok ? "✓" : "✗",
        escaped(verdict_sentence(found_)));
  }

  void facts() {
    add("<h2>What was done</h2><p>{}</p><dl>", escaped(what_was_done(head_, found_)));
    const auto fact = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) add("<dt>{}</dt><dd>{}</dd>", name, escaped(value));
    };
    std::int64_t rows = 0;
    for (const TableComparison& table : found_.tables) rows += table.rows_after;
    fact("Begun", head_.conversion.begun_at + " UTC");
    if (found_.is_compared) fact("Rows looked at", shown_number(std::to_string(rows)));
    fact("Backup from before", head_.conversion.backup_file);
    fact("Rows that could not stay as they were", shown_number(std::to_string(found_.refused.size())));
    add("</dl>");
  }

  void checks() {
    add("<h2>What was checked</h2><ul class=\"checks\">");
    for (const Answered& check : found_.checks)
      add("<li><b class=\"{}\">{}</b><span>{}<span hidden>: {}.</span>{}</span></li>",
          check.holds ? "good" : "bad", check.holds ? "✓" : "✗", escaped(check.title),
          check.holds ? "yes" : "no",
          check.holds ? "" : fmt::format("<br><span class=\"bad\">{}</span>", escaped(check.text)));
    add("</ul>");
  }

  bool has_several_servers(const ListComparison& list) const {
    return std::ranges::any_of(list.rows,
                               [&](const ListRow& row) { return row.server != list.rows[0].server; });
  }

  void lists() {
    if (found_.lists.empty()) return;
    add("<h2>Before and after</h2><div class=\"lists\">");
    for (const ListComparison& list : found_.lists) {
      const bool by_server = has_several_servers(list);
      add("<section><h3>{}</h3><div class=\"scroll\" tabindex=\"0\" "
          "role=\"group\"><table><thead><tr>{}<th>Name</th><th "
          "class=\"n\">Before</th>"
          "<th class=\"s\">Equal?</th><th class=\"n\">After</th></tr></thead><tbody>",
          escaped(list.title), by_server ? "<th>Server</th>" : "");
      if (list.rows.empty()) add("<tr><td colspan=\"5\" class=\"soft\">Nothing there.</td></tr>");
      for (const ListRow& row : list.rows) list_row(row, by_server);
      add("</tbody></table></div></section>");
    }
    add("</div>");
  }

  void list_row(const ListRow& row, bool by_server) {
    const bool is_equal = row.before == row.after;
    const Sign sign = is_equal                                                   ? sign_of(Verdict::equal)
                      : found_.writers == Writers::running && !row.after.empty() ? sign_of(Verdict::written)
                                                                                 : sign_of(Verdict::differs);
    add("<tr>{}<td class=\"w\">{}</td><td class=\"n\">{}</td>{}<td class=\"n\">{}</td></tr>",
        by_server ? fmt::format("<td>{}</td>", server(row.server)) : "", name_html(row.name),
        shown_number(row.before), sign_cell(sign), row.after.empty() ? "gone" : shown_number(row.after));
  }

  void refused() {
    add("<h2>Rows that could not stay as they were</h2>");
    if (found_.refused.empty()) {
      add("<p>There were none.</p>");
      return;
    }
    add("<div class=\"scroll\" tabindex=\"0\" role=\"group\"><table "
        "class=\"stack\"><thead><tr><th>Table</th><th>Row</th><th>Why</th>"
        "<th>What became of it</th></tr></thead><tbody>");
    for (const Refused& row : found_.refused)
      add("<tr><td data-of=\"Table\">{}</td><td class=\"w\" data-of=\"Row\">{}</td><td class=\"w y\" "
          "data-of=\"Why\">{}</td><td data-of=\"What became of it\">{}</td></tr>",
          escaped(row.table), name_html(shown_row(row.row)), escaped(row.reason), escaped(row.done));
    add("</tbody></table></div>");
  }

  void twins() {
    if (found_.twins.empty()) return;
    add("<h2>Names that look alike</h2><p>These differ in capital letters or in blanks alone. They were left "
        "apart, each with what it has. If they are one person, that is for you to decide.</p>"
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\"><table "
        "class=\"stack\"><thead><tr><th>Table</th><th>Names</th></tr></thead><tbody>");
    for (const Twins& twins : found_.twins) {
      std::vector<std::string> names;
      for (const std::string& name : twins.names) names.push_back(name_html(name));
      add("<tr><td data-of=\"Table\">{}</td><td class=\"w\" data-of=\"Names\">{}</td></tr>",
          escaped(twins.table), fmt::join(names, " · "));
    }
    add("</tbody></table></div>");
  }

  void tables() {
    add("<h2>Every table</h2><div class=\"scroll\" tabindex=\"0\" "
        "role=\"group\"><table><thead><tr><th>Table</th><th class=\"s\">Equal?</th><th "
        "class=\"n\">Rows "
        "before</th><th class=\"n\">Rows after</th><th>Sums</th></tr></thead><tbody>");
    for (const TableComparison& table : found_.tables) {
      std::string sums;
      for (const TotalComparison& total : table.totals)
        sums += fmt::format("{}{} {} <b class=\"{}\">{}</b> {}", sums.empty() ? "" : "<br>",
                            escaped(total.column), shown_number(total.before),
                            total.before == total.after ? "good" : "note",
                            total.before == total.after ? "=" : "→", shown_number(total.after));
      if (table.verdict == Verdict::written)
        sums += fmt::format("{}<span class=\"soft\">{} rows proved equal, the others written to since</span>",
                            sums.empty() ? "" : "<br>", shown_number(std::to_string(table.proven)));
      add("<tr><td class=\"w\">{}</td>{}<td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
          escaped(table.table), sign_cell(sign_of(table.verdict)),
          shown_number(std::to_string(table.rows_before)), shown_number(std::to_string(table.rows_after)),
          sums);
    }
    add("</tbody></table></div>");
  }

  void notes() {
    std::string items;
    for (const migrate::Finding& finding : found_.findings) {
      if (finding.level == migrate::Level::error) continue;
      items += fmt::format(
          "<li>{}{}</li>", escaped(finding.text),
          finding.hint.empty() ? "" : fmt::format(" <span class=\"soft\">{}</span>", escaped(finding.hint)));
    }
    if (!items.empty()) add("<h2>To be known</h2><ul>{}</ul>", items);
  }

  void explain() {
    add("<h2>How to read this</h2><p class=\"soft\">Before anything was changed, every table was added up: "
        "how many "
        "rows it has, a number made of everything that stands in each row, and the totals of points, minutes "
        "and "
        "tickets. The same was done afterwards. <b class=\"good\">=</b> means that they are equal: no row "
        "was lost, "
        "added or changed. <b class=\"note\">+</b> means that the bot has written to the table meanwhile, so "
        "that "
        "only what it did not touch can be compared. <b class=\"bad\">≠</b> means that something is not as "
        "it "
        "was.</p>");
  }

  const ReportHead& head_;
  const Verification& found_;
  std::string html_;
};

}  // namespace

std::string report_html(const ReportHead& head, const Verification& found) {
  return Page(head, found).write();
}

}  // namespace guildhall::convert
