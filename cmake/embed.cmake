# Turns a folder into two sources that put its files into the binary: an assembler file with .incbin
# (no compile time, whatever the size) and a table of names.
#   cmake -DDIR=folder -DPATTERN=*.sql -DFUNCTION=guildhall::migrate::embedded_files -DOUT=stem -P embed.cmake
file(GLOB_RECURSE files RELATIVE "${DIR}" "${DIR}/${PATTERN}")
list(SORT files)
string(MAKE_C_IDENTIFIER "${FUNCTION}" symbol)
string(REGEX REPLACE "::[^:]*$" "" namespace "${FUNCTION}")
string(REGEX REPLACE "^.*::" "" function "${FUNCTION}")

set(assembly ".section .rodata\n")
set(externs "")
set(rows "")
set(index 0)
foreach(file IN LISTS files)
  string(APPEND assembly ".global ${symbol}_${index}\n.global ${symbol}_${index}_end\n"
                         "${symbol}_${index}:\n.incbin \"${DIR}/${file}\"\n${symbol}_${index}_end:\n.byte 0\n")
  string(APPEND externs "extern const char ${symbol}_${index}[], ${symbol}_${index}_end[];\n")
  string(APPEND rows "      {\"${file}\", {${symbol}_${index}, static_cast<std::size_t>(${symbol}_${index}_end - ${symbol}_${index})}},\n")
  math(EXPR index "${index} + 1")
endforeach()
string(APPEND assembly ".section .note.GNU-stack,\"\",@progbits\n")
file(WRITE "${OUT}.S" "${assembly}")
file(WRITE "${OUT}.cpp"
     "#include \"base/embedded.h\"\n\nextern \"C\" {\n${externs}}\n\nnamespace ${namespace} {\n"
     "std::span<const guildhall::EmbeddedFile> ${function}() {\n"
     "  static const guildhall::EmbeddedFile files[] = {\n${rows}  };\n  return files;\n}\n"
     "}  // namespace ${namespace}\n")
