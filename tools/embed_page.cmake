# Writes OUT, the C++ source that takes the page's files into the program (src/fathom/server/chat_page.h): those of the
# folder BUILT where tools/page_setup has built the page, else those of PLAIN, a page that needs no building. Each that
# gets smaller by it is there compressed too, from the folder PACKED, by its content's hash.
#   cmake -DBUILT=FOLDER -DPLAIN=FOLDER -DPACKED=FOLDER -DOUT=FILE -P tools/embed_page.cmake
set(folder ${PLAIN})
if(EXISTS ${BUILT}/index.html)
  set(folder ${BUILT})
endif()
file(GLOB_RECURSE files RELATIVE ${folder} ${folder}/*)
list(SORT files)

set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_woff2 "font/woff2")

find_program(gzip gzip REQUIRED)
file(MAKE_DIRECTORY ${PACKED})

# Takes a file's bytes into the program, between NAME_begin and NAME_end.
macro(take_in symbol file)
  string(APPEND sections "    \"${symbol}_begin:\\n.incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n\"\n")
  string(APPEND symbols "extern const char ${symbol}_begin[] __attribute__((visibility(\"hidden\")));\n"
                        "extern const char ${symbol}_end[] __attribute__((visibility(\"hidden\")));\n")
  set(bytes "{${symbol}_begin, static_cast<std::size_t>(${symbol}_end - ${symbol}_begin)}")
endmacro()

set(sections "")
set(symbols "")
set(rows "")
set(count 0)
foreach(name IN LISTS files)
  string(REGEX MATCH "[^.]+$" ending ${name})
  if(NOT DEFINED type_${ending})
    message(FATAL_ERROR "${folder}/${name}: no content type is known for .${ending}")
  endif()
  file(SHA256 ${folder}/${name} tag)
  string(SUBSTRING ${tag} 0 32 tag)
  set(packed ${PACKED}/${tag}.gz)
  if(NOT EXISTS ${packed})
    execute_process(COMMAND ${gzip} -9 -n -c ${folder}/${name} OUTPUT_FILE ${packed}.part COMMAND_ERROR_IS_FATAL ANY)
    file(RENAME ${packed}.part ${packed})
  endif()
  file(SIZE ${folder}/${name} size)
  file(SIZE ${packed} packed_size)
  take_in(fathom_page_${count} ${folder}/${name})
  set(row "{\"${name}\", \"${type_${ending}}\", \"\\\"${tag}\\\"\", ${bytes}, ")
  set(bytes "{}")
  if(packed_size LESS size)
    take_in(fathom_page_${count}_gzip ${packed})
  endif()
  string(APPEND rows "    ${row}${bytes}},\n")
  math(EXPR count "${count} + 1")
endforeach()

set(source "// Written by tools/embed_page.cmake.
#include \"fathom/server/chat_page.h\"

__asm__(
    \".section .rodata\\n\"
${sections}    \".text\\n\");

extern \"C\" {
${symbols}}

namespace fathom::server {

std::span<const PageFile> page_files() {
  static const std::array<PageFile, ${count}> files{{
${rows}  }};
  return files;
}

}  // namespace fathom::server
")
set(before "")
if(EXISTS ${OUT})
  file(READ ${OUT} before)
endif()
if(NOT before STREQUAL source)
  file(WRITE ${OUT} "${source}")
endif()
