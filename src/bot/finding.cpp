#include "bot/finding.h"

namespace guildhall::bot {

std::string_view word_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::ok: return "ok";
    case Finding::Level::warning: return "warn";
    case Finding::Level::problem: break;
  }
  return "problem";
}

boost::json::object to_json(const Finding& finding) {
  boost::json::object written{{"topic", finding.topic},
                              {"level", word_of(finding.level)},
                              {"text", finding.text},
                              {"hint", finding.hint}};
  if (finding.server) written["server"] = finding.server->str();
  return written;
}

}  // namespace guildhall::bot
