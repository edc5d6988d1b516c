# llama.cpp of a package: linked into the addon (see crossDefinitions in options.mjs).
set(BUILD_SHARED_LIBS OFF)
