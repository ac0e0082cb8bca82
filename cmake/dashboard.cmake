# Builds the dashboard with npm and puts dist/ into the web room. The packages are fetched once per lock
# file; without a change of it, building needs no network.
set(dashboard ${CMAKE_SOURCE_DIR}/dashboard)
find_program(NPM npm REQUIRED)

add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/dashboard/packages.stamp
  COMMAND ${CMAKE_COMMAND} -DDASHBOARD=${dashboard} -DNPM=${NPM} -P ${CMAKE_SOURCE_DIR}/cmake/npm_packages.cmake
  COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/dashboard/packages.stamp
  DEPENDS ${dashboard}/package.json ${dashboard}/package-lock.json
  WORKING_DIRECTORY ${dashboard}
  COMMENT "Fetching the dashboard's packages"
  VERBATIM)

file(GLOB_RECURSE dashboard_sources CONFIGURE_DEPENDS ${dashboard}/src/* ${dashboard}/scripts/* ${dashboard}/public/*)
list(FILTER dashboard_sources EXCLUDE REGEX "/schema\\.d\\.ts$")
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/dashboard/built.stamp
  COMMAND ${NPM} run --silent build
  COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/dashboard/built.stamp
  DEPENDS ${dashboard_sources} ${dashboard}/index.html ${dashboard}/vite.config.ts ${dashboard}/svelte.config.js
          ${dashboard}/tsconfig.json ${CMAKE_SOURCE_DIR}/src/web/openapi.yaml
          ${CMAKE_BINARY_DIR}/dashboard/packages.stamp
  WORKING_DIRECTORY ${dashboard}
  COMMENT "Building the dashboard"
  VERBATIM)

embed(guildhall_web dashboard/dist "*" guildhall::web::dashboard_files ${CMAKE_BINARY_DIR}/dashboard/built.stamp)
