# ggml of a package: loaded by itself, with a library for each kind of processor. (node-llama-cpp turns that off under MinGW.)
set(BUILD_SHARED_LIBS ON)
set(GGML_BACKEND_DL ON)
