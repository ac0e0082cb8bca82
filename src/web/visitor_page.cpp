#include "web/visitor_page.h"

#include <fmt/format.h>

namespace guildhall::web {
namespace {

std::string paragraph(std::string_view kind, std::string_view text) {
  if (text.empty()) return "";
  const std::string attribute = kind.empty() ? "" : fmt::format(" class=\"{}\"", kind);
  return fmt::format("<p{}>{}</p>\n", attribute, escape_html(text));
}

std::string form(const VisitorPage::Action& action) {
  return fmt::format(
      "<form method=\"post\"><input type=\"hidden\" name=\"key\" value=\"{}\">"
      "<button name=\"do\" value=\"{}\">{}</button></form>\n",
      escape_html(action.key), escape_html(action.does), escape_html(action.label));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

net::HttpResponse answer_of(const VisitorPage& page, int status) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"robots\" content=\"noindex\">{}<title>{}</title>"
      "<link rel=\"stylesheet\" href=\"/pages.css\"></head>\n<body><main>\n",
      escape_html(page.language),
      page.onward ? fmt::format("<meta http-equiv=\"refresh\" content=\"0;url={}\">",
                                escape_html(page.onward->address))
                  : "",
      escape_html(page.title));
  html += paragraph("place", page.place);
  html += fmt::format("<h1>{}</h1>\n", escape_html(page.title));
  for (const std::string& text : page.paragraphs) html += paragraph("", text);
  html += paragraph("warning", page.warning);
  if (page.action) html += form(*page.action);
  if (page.onward) {
    html += fmt::format("<a class=\"button\" href=\"{}\">{}</a>\n", escape_html(page.onward->address),
                        escape_html(page.onward->label));
  }
  html += "</main></body></html>\n";
  auto response = net::make_response(status, "text/html; charset=utf-8", std::move(html));
  response.headers.emplace_back("cache-control", "no-store");
  return response;
}

}  // namespace guildhall::web
